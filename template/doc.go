// Package template turns what a provisioner vouches for, and what a requester
// asks for, into the contents of a certificate.
//
// A template is a Go text/template whose output is JSON. Load parses the ones an
// operator writes, once; Render executes one and decodes its output to a
// Certificate or SSHCertificate, whose X509 and SSH methods give the structure
// that package issue checks and signs. The built-in templates exist twice: as
// text, for people to start from, and compiled to Go, which is what runs. A test
// keeps the two equal.
//
// Nothing here decides whether a name may be issued: GeneralNames says which
// names a rendered certificate holds, in whatever form its template wrote them,
// and package issue and package policy judge them. Nothing here signs or stores.
package template
