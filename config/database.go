package config

import (
	"strings"
	"time"

	"stepca/ca"
)

// The engines of the database.
const (
	EnginePebble     = "pebble"
	EngineBadger     = "badger"
	EngineBbolt      = "bbolt"
	EnginePostgreSQL = "postgresql"
	EngineMySQL      = "mysql"
	EngineMemory     = "memory"
)

// engines maps each spelling of db.type, in lower case, to its engine.
var engines = map[string]string{
	"pebble":   EnginePebble,
	"badger":   EngineBadger,
	"badgerv1": EngineBadger,
	"badgerv2": EngineBadger,
	"badgerv4": EngineBadger,
	"bbolt":    EngineBbolt,
	"bolt":     EngineBbolt,

	"postgresql": EnginePostgreSQL,
	"postgres":   EnginePostgreSQL,
	"mysql":      EngineMySQL,
	"mariadb":    EngineMySQL,
	"memory":     EngineMemory,
}

// A DB says where records are stored.
type DB struct {
	Type string `json:"type"` // see Engine

	// DataSource is a directory (pebble, badger), a file (bbolt), or a data
	// source name, which may hold a password (mysql, postgresql).
	DataSource string `json:"dataSource"`

	ValueDir  string     `json:"valueDir,omitempty"` // badger's value log; "" is DataSource
	Database  string     `json:"database,omitempty"` // mysql, postgresql: instead of the name in DataSource
	FileMode  string     `json:"badgerFileLoadingMode"`
	Retention *Retention `json:"retention,omitempty"` // nil: defaults
}

// Engine returns the name of the engine that Type stands for, "" if there is no
// such type. The versions of badger are one: which of them wrote a directory is
// seen when it is opened.
func (d *DB) Engine() string { return engines[strings.ToLower(d.Type)] }

// How long records are kept when the file does not say.
const (
	DefaultKeepOrders   = 7 * 24 * time.Hour
	DefaultKeepRefusals = 30 * 24 * time.Hour
)

// A Retention says how long records are kept that are no longer needed. Used
// tokens and nonces are not in it: they go as soon as they could no longer be
// valid.
type Retention struct {
	// Orders is counted from the end of an ACME order, Refusals from the
	// refusal. Zero means the default, a negative duration forever.
	Orders   ca.Duration `json:"orders,omitzero"`
	Refusals ca.Duration `json:"refusals,omitzero"`

	// Certificates and Revocations are counted from the end of validity. Zero
	// means forever.
	Certificates ca.Duration `json:"certificates,omitzero"`
	Revocations  ca.Duration `json:"revocations,omitzero"`
}

// WithDefaults returns the durations that apply; forever is zero in all of them.
// A nil Retention has the defaults.
func (r *Retention) WithDefaults() Retention {
	var out Retention
	if r != nil {
		out = *r
	}
	for _, f := range []struct {
		d   *ca.Duration
		def time.Duration
	}{
		{&out.Orders, DefaultKeepOrders}, {&out.Refusals, DefaultKeepRefusals},
		{&out.Certificates, 0}, {&out.Revocations, 0},
	} {
		switch {
		case *f.d == 0:
			*f.d = ca.Duration(f.def)
		case *f.d < 0:
			*f.d = 0
		}
	}
	return out
}
