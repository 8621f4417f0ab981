package config

import "strings"

// Nearest returns the candidate that word was probably meant to be, "" if none
// is close: one that begins with the word or contains it, or differs by few
// letters.
func Nearest(word string, candidates []string) string {
	w := strings.ToLower(word)
	best, least := "", max(1, len(w)/3)+1
	for _, c := range candidates {
		lower := strings.ToLower(c)
		d := distance(w, lower)
		if len(w) >= 3 && (strings.HasPrefix(lower, w) || strings.HasPrefix(w, lower) && len(lower) >= 3) {
			d = min(d, 1)
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}

// maxWord bounds the words that are compared, in bytes: keys are shorter, and
// the work grows with the square.
const maxWord = 64

// distance returns how many letters must be inserted, removed or replaced to get
// from a to b (Levenshtein). Long words are infinitely far from all others.
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
