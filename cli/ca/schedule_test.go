package ca

import (
	"slices"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	latest := func(d time.Duration) time.Duration { return d }
	earliest := func(time.Duration) time.Duration { return 0 }
	tests := []struct {
		name     string
		schedule schedule
		left     time.Duration
		draw     func(time.Duration) time.Duration
		want     time.Duration
	}{
		{"a third before the end", schedule{}, day, earliest, 16 * time.Hour},
		{"or a twentieth earlier", schedule{}, day, latest, 16*time.Hour - day/20},
		{"close to that", schedule{}, day/3 + time.Minute, latest, time.Minute},
		{"at once when close to the end", schedule{}, day / 3, latest, 0},
		{"at once when expired", schedule{}, -time.Hour, latest, 0},
		{"as long before as asked", schedule{expiresIn: time.Hour}, day, earliest, 23 * time.Hour},
		{"after the period", schedule{period: time.Hour}, day, latest, time.Hour},
		{"at once if the period would be too long", schedule{period: time.Hour}, time.Hour, latest, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.schedule.next(tt.left, day, tt.draw); got != tt.want {
				t.Errorf("next = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRandomOfShortDurations(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{-1, 0, 1, 19} {
		if got := random(d); got < 0 || got > max(d, 0) {
			t.Errorf("random(%d) = %d", d, got)
		}
	}
}

func TestSplitWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"  ", nil},
		{"systemctl reload nginx", []string{"systemctl", "reload", "nginx"}},
		{"a  b", []string{"a", "b"}},
		{`sh -c 'a "b" c'`, []string{"sh", "-c", `a "b" c`}},
		{`a "" 'b'c`, []string{"a", "", "bc"}},
		{`C:\x\y.exe "C:\Program Files\z"`, []string{`C:\x\y.exe`, `C:\Program Files\z`}},
	}
	for _, tt := range tests {
		if got, err := splitWords(tt.in); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("splitWords(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
	if got, err := splitWords(`a "b`); err == nil {
		t.Errorf("open quote = %q, want an error", got)
	}
}
