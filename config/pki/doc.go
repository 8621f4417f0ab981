// Package pki makes a new certificate authority: root and intermediate, SSH
// keys, first provisioners, ca.json and defaults.json. It is `step ca init`
// without its flags and prompts.
//
// New makes everything in memory, so that nothing is half done when a password
// is wrong or a key cannot be made. Write puts it on disk, all of it or none,
// and Helm prints it instead. Init is both.
//
// It does not run the authority (package server) nor talk to another one.
package pki
