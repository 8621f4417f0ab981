// Package provisioner answers who is asking and what they may have: evidence
// goes in, a ca.Grant comes out.
//
// A provisioner is a named policy object in the configuration. Each type has a
// file of its own with a struct that is at once its configured, stored and
// listed form, and with the abilities it truly has: AuthorizeX509,
// AuthorizeRenew and so on, each an interface of one method. A Collection holds
// the provisioners of one CA. It reads a token, finds the provisioner it is
// meant for, refuses in one place what that provisioner cannot do, and lets it
// verify the rest.
//
// Nothing here issues, stores or spends: a grant carries the ID of one-time
// evidence, and package issue spends it together with storing the certificate.
// Names are not judged here beyond what the evidence says; that is the part of
// packages issue and policy.
package provisioner
