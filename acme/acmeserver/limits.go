package acmeserver

import "time"

// Limits of what one request may bring.
const (
	maxBody        = 128 << 10 // octets; attestation statements take tens of KiB
	maxIdentifiers = 100       // of an order
	maxSegments    = 4         // of a path below the provisioner's name
	maxShown       = 256       // octets of what a client sent, in a problem
)

// What is read of an account's orders, newest first.
const (
	ordersPerPage     = 100
	maxOrdersSearched = 1000 // for authorizations of the names in a certificate to be revoked
)

// What is kept in memory to save work.
const (
	maxBuckets    = 20_000   // of a limiter, twice: about 100 octets each
	memoSize      = 256      // records of a memo, twice: an order of one name is a thousand octets
	maxMemoRecord = 16 << 10 // octets; the largest order is larger
)

// Rates that one client may reach, beyond which it is told rateLimited. They are
// about what one processor can serve: a fleet behind one address, or a proxy that
// has one account for all its sites, does not meet them, while a client in a loop
// does not take a large machine for itself. Failures are few, and cost others.
const (
	accountsPerSecond, accountsAtOnce = 1000, 10_000   // new accounts from one address
	ordersPerSecond, ordersAtOnce     = 1000, 10_000   // names in new orders of one account
	failuresPerSecond, failuresAtOnce = 1.0 / 60, 60.0 // failed validations of one account for one identifier
)

// What runs at one time.
const (
	maxValidations          = 1000
	maxValidationsOfAccount = 250 // some orders of many identifiers, and room for others
	maxFinalizations        = 1000

	unavailableFor = 5 * time.Second // Retry-After beyond these
)

// Times of a validation.
const (
	attemptTimeout = 30 * time.Second        // of one attempt
	inlineWait     = 1500 * time.Millisecond // the answer waits so long for the result
	pollAfter      = 2 * time.Second         // Retry-After of what is processing
	outcomeGrace   = 10 * time.Second        // a processing challenge is taken up by another server so long after its outcome was due
	leaveTimeout   = 5 * time.Second         // for storing, at the end, that a validation has none
)

// retryDelays are between the attempts of a validation.
var retryDelays = [...]time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}

// caaLifetime is how long a look at CAA records is good for: CA/Browser Forum,
// Baseline Requirements §3.2.2.8.1. maxCAALookups of names are made at one time for
// an order whose look is older when it is finalized.
const (
	caaLifetime   = 8 * time.Hour
	maxCAALookups = 10
)

// finalizeWait is how long the answer to finalize waits for CAA records and the
// signature together, before it shows an order that is processing (RFC 8555 §7.4).
// The server's listener ends an answer after 15 seconds.
const finalizeWait = 10 * time.Second

// claimTime is how long an issuance may take. A server that has a key outside its
// process sign for longer is taken for crashed by others that share the database, and
// one of them asks again.
const claimTime = 2 * time.Minute

// orderLifetime is how long an order and its authorizations may be worked on.
const orderLifetime = 24 * time.Hour

// renewalPoll is the Retry-After of renewal information, RFC 9773 §4.3; the
// other one is for certificates that have to go.
const (
	renewalPoll    = 6 * time.Hour
	renewalPollNow = 10 * time.Minute
)
