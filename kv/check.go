package kv

import "fmt"

// CheckBucket returns an error unless name is 1 to MaxBucketLen lower-case
// letters, digits and '_', as engines need for key prefixes and table contents.
func CheckBucket(name string) error {
	if name == "" {
		return fmt.Errorf("bucket name is empty")
	}
	if len(name) > MaxBucketLen {
		return fmt.Errorf("bucket name of %d bytes, at most %d are possible: %w", len(name), MaxBucketLen, ErrTooLarge)
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return fmt.Errorf("bucket name %q has a character other than a-z, 0-9 and '_'", name)
		}
	}
	return nil
}

// CheckKey returns an error unless bucket is a bucket name and key has 1 to
// MaxKeyLen bytes; ErrTooLarge if it has more.
func CheckKey(bucket string, key []byte) error {
	if err := CheckBucket(bucket); err != nil {
		return err
	}
	if len(key) == 0 {
		return fmt.Errorf("empty key in bucket %s", bucket)
	}
	if len(key) > MaxKeyLen {
		return fmt.Errorf("key of %d bytes in bucket %s, at most %d are possible: %w", len(key), bucket, MaxKeyLen, ErrTooLarge)
	}
	return nil
}

// CheckWrite is CheckKey, and returns ErrTooLarge if value has more than
// MaxValueLen bytes.
func CheckWrite(bucket string, key, value []byte) error {
	if err := CheckKey(bucket, key); err != nil {
		return err
	}
	if len(value) > MaxValueLen {
		return fmt.Errorf("value of %d bytes for key %x in bucket %s, at most %d are possible: %w",
			len(value), key, bucket, MaxValueLen, ErrTooLarge)
	}
	return nil
}

// CheckUpdate returns ErrTooLarge if an Update writes more than MaxUpdateKeys
// keys or MaxUpdateLen bytes, bucket names included.
func CheckUpdate(keys, bytes int) error {
	if keys > MaxUpdateKeys || bytes > MaxUpdateLen {
		return fmt.Errorf("transaction writes %d keys of %d bytes, at most %d and %d are possible: write in several: %w",
			keys, bytes, MaxUpdateKeys, MaxUpdateLen, ErrTooLarge)
	}
	return nil
}
