// Package txn holds what the engines of package kv share: the pending writes of
// a transaction (Writes), reading through them (Over), running a function over
// both (Run), one key space for all buckets (Flat), and the gate that lets Close
// wait for transactions under way (Gate).
//
// It is for engines only; whoever stores records uses kv.
package txn
