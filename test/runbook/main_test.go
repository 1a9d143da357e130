// Package runbook proves the playbooks of the runbook from end to end on a site of
// real components: something breaks as it does in life, the shipped rules notice, the
// agent does what the shipped inventory lets it, and what was broken works again.
package runbook

import (
	"context"
	_ "embed" // site.yaml
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightshift/remediate/oncall"
	"nightshift/test/site"
)

// factor divides the site's durations: the longest `for` of a rule is 10 s then.
const factor = 30

// own is what the site of these tests has beside the shipped inventory.
//
//go:embed site.yaml
var own []byte

// raiseWithin bounds building the agent and starting the site.
const raiseWithin = 5 * time.Minute

// The one site of these tests, which use it one after the other, and the operator's
// line to its agent.
var (
	on     *site.Site
	people *oncall.Client
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), raiseWithin)
	defer cancel()
	var err error
	if on, err = site.Start(ctx, site.Options{Factor: factor, More: own, Log: os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := 1
	if people, err = on.Person(); err == nil {
		code = m.Run()
		people.Close()
	}
	if err := errors.Join(err, on.Stop(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
