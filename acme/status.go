package acme

// A Status is the state of an account, order, authorization or challenge (RFC
// 8555 §7.1.6). Which of them an object can have is written there.
type Status string

// The states.
const (
	StatusPending     Status = "pending"
	StatusProcessing  Status = "processing"
	StatusReady       Status = "ready"
	StatusValid       Status = "valid"
	StatusInvalid     Status = "invalid"
	StatusDeactivated Status = "deactivated"
	StatusExpired     Status = "expired"
	StatusRevoked     Status = "revoked"
)
