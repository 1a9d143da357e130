package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"

	"nightshift/remediate"
)

// limiting is the verbs limit and unlimit. What they need is root's alone, and which
// values are set is not the agent's to choose: so each is a oneshot unit that root owns,
// an instance for each profile and unit. The agent may start it, and reads what its
// program ([Limiter]) wrote down.
type limiting struct {
	units *Units
	undo  bool
	dir   string
	// halted, where set, says why nothing may be done any more.
	halted func() error
}

// unitOf is the oneshot unit for a profile and a unit.
func (l limiting) unitOf(profile, unit string) string {
	template := "nightshift-limit@"
	if l.undo {
		template = "nightshift-unlimit@"
	}
	return template + profile + ":" + unit + ".service"
}

// keySaid witnesses which word of the program was its last.
const keySaid = "said"

// Witness reads the last that the program said of the unit.
func (l limiting) Witness(_ context.Context, step remediate.Step) (remediate.Witness, error) {
	if _, err := unitOf(step.On); err != nil {
		return nil, err
	}
	said, err := readSaid(l.dir, step.On.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read what limits %s has: %w", step.On.Name, err)
	}
	return remediate.Witness{keySaid: said.Invocation}, nil
}

// Do starts the unit, waits for its end and reads what its program said.
func (l limiting) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	begin := time.Now()
	once := action{l.units, (*sd.Conn).StartUnitContext, true, startedAnew, onlyOneshot, l.halted}
	of := remediate.Step{Do: remediate.VerbOneshot, On: remediate.Unit(l.unitOf(step.Profile, step.On.Name)), Risk: step.Risk, Timeout: step.Timeout}
	stood, err := once.Witness(ctx, of)
	if err != nil {
		return remediate.Receipt{}, fmt.Errorf("cannot %s: %w", step, err)
	}
	receipt, err := once.Do(ctx, of, stood)
	if err != nil {
		return receipt, fmt.Errorf("cannot %s: %w", step, err)
	}
	if said, err := readSaid(l.dir, step.On.Name); err == nil && said.Invocation != before[keySaid] {
		receipt = said.receipt(receipt)
	}
	for _, key := range []string{invocationKey, activeKey, subKey} {
		delete(receipt.Facts, key) // the oneshot unit's: those of the limited one are as they were
	}
	receipt.Took = time.Since(begin)
	return receipt, nil
}

// Happened goes by the limits that are on. To set them, or take them back, a second
// time is the same as once, so where it can't be told it did not happen.
func (l limiting) Happened(ctx context.Context, step remediate.Step, _ remediate.Witness) (remediate.Receipt, error) {
	if _, err := l.units.settled(ctx, remediate.Unit(l.unitOf(step.Profile, step.On.Name))); err != nil {
		return remediate.Receipt{}, inDoubt(step, err)
	}
	record, err := readRecord(l.dir, step.On.Name)
	on := err == nil && record.Profile == step.Profile && record.complete()
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return remediate.Receipt{}, inDoubt(step, err)
	case on == l.undo:
		return remediate.Receipt{}, remediate.ErrNotDone
	case l.undo:
		return remediate.Receipt{Result: remediate.Done, Detail: "no limits of " + step.Profile + " are on"}, nil
	}
	return remediate.Receipt{Result: remediate.Done, Detail: remediate.Brief(record.describe()), Facts: record.facts()}, nil
}
