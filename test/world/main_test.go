package world

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// site is the one world that this package's tests look at. Tests that break
// it mend it, too.
var site *World

const testFactor = 30

func TestMain(m *testing.M) {
	if os.Getenv(holdVariable) != "" {
		holdUntilKilled()
	}
	var err error
	site, err = Start(context.Background(), Options{Services: Site, Factor: testFactor, Log: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	for _, w := range []*World{site, vmHost} {
		if w == nil {
			continue
		}
		if err := w.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
