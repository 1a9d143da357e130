package world

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

func TestWhatManyWantIsMadeOnce(t *testing.T) {
	c := cache(t.TempDir())
	var made atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			path, err := c.once("thing", func(partial string) error {
				made.Add(1)
				return os.WriteFile(partial, []byte("whole"), 0o600)
			})
			if text, _ := os.ReadFile(path); err != nil || string(text) != "whole" {
				t.Errorf("once: %q in %s (%v)", text, path, err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times, want once", made.Load())
	}
}

func TestWhatFailedIsMadeAgain(t *testing.T) {
	c := cache(t.TempDir())
	broken := errors.New("broken")
	_, err := c.once("thing", func(partial string) error {
		return errors.Join(os.WriteFile(partial, []byte("half"), 0o600), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v, want the failure", err)
	}
	path, err := c.once("thing", func(partial string) error {
		if _, err := os.Stat(partial); err == nil {
			t.Error("the unfinished build is still there")
		}
		return os.WriteFile(partial, []byte("whole"), 0o600)
	})
	if text, _ := os.ReadFile(path); err != nil || string(text) != "whole" {
		t.Errorf("second try: %q (%v)", text, err)
	}
}
