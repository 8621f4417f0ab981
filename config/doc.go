// Package config knows the files that configure the server and the client:
// ca.json (Config), defaults.json, contexts.json, and where they lie (StepPath).
//
// A Config is what ca.json says, no more: nothing is opened, defaults are not
// filled in but given by methods (ServerNames, TLS.WithDefaults, …), and
// provisioners stay raw JSON with only their type and name looked at. Parse
// takes everything the reference takes. Check tells, all at once and with the
// JSON path of each, what is wrong (errors), and what is ignored or unwise
// (warnings); CheckFiles looks at the files and keys that are named.
//
// A Config can be written back: known keys in a fixed order, unknown ones, and
// provisioners of unknown types, where they were.
//
// What `step ca init` creates is in the folder pki. Turning a Config into a
// running server is the part of package server.
package config
