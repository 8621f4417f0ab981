// Package authority is what those commands have in common that talk to a
// certificate authority: which one and whom to trust (Connection), in the name
// of which provisioner (TokenFlags), and what goes into one-time tokens. With
// --offline the authority is one of this machine, made of its own files inside
// this process. The commands of step ca and step ssh are built on it.
//
// It makes no certificates and has no commands of its own.
package authority
