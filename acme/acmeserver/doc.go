// Package acmeserver serves ACME (RFC 8555) over HTTP: it checks the signatures
// and nonces of requests, and carries them to packages acme, store, issue and
// revocation. Every ACME provisioner is a server of its own, at /acme/<name>/.
//
// A Server is made anew for each configuration. What outlives a reload (nonces,
// validations under way, rate limits) is the Backend's.
//
// A client's way to a certificate makes four durable writes: the account, the
// order (one record with its authorizations and challenges), the fulfilled
// challenge, and the certificate together with its finalized order. A validation
// that takes longer than its answer waits makes one more, so that it is not
// forgotten if the server stops. So does a key outside this process, before it
// signs: the intent, with which the server claims the order, so that of several
// that share a database one asks. Nonces make none, unless several servers share a
// database: then they are part of the write that their request makes.
package acmeserver
