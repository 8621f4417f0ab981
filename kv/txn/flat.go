package txn

import (
	"bytes"

	"stepca/kv"
)

// A bucket name contains no byte below '0', so this one ends it and keeps the
// order: by bucket first, by key second.
const separator = 0x00

// AppendFlat appends the key that stands for key of bucket in one ordered map
// of all buckets: the name, a zero byte, the key.
func AppendFlat(dst []byte, bucket string, key []byte) []byte {
	dst = append(dst, bucket...)
	dst = append(dst, separator)
	return append(dst, key...)
}

// flatString is AppendFlat to a string, in one allocation.
func flatString(bucket string, key []byte) string {
	return bucket + string(rune(separator)) + string(key)
}

// SplitFlat undoes AppendFlat. ok is false if flat was not made by it.
func SplitFlat(flat []byte) (bucket string, key []byte, ok bool) {
	name, key, ok := bytes.Cut(flat, []byte{separator})
	return string(name), key, ok
}

// FlatRange returns the bounds lower ≤ flat < upper of r in bucket.
func FlatRange(bucket string, r kv.Range) (lower, upper []byte) {
	lower = AppendFlat(nil, bucket, r.From)
	upper = AppendFlat(nil, bucket, r.To)
	if r.To == nil {
		upper[len(upper)-1] = separator + 1
	}
	return lower, upper
}
