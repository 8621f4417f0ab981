// Package e2e holds tests of the built programs, step and step-ca, against the
// world: killed processes, full disks, service managers, database servers,
// openssl, curl, nginx. It has nothing for other packages; tests that can do
// with a CA inside the test process use package catest.
package e2e
