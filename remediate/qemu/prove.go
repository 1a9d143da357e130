package qemu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"nightshift/remediate"
)

// prove boots a checkpoint on throw-away overlays, in a unit of its own without a
// network, until it is healthy.
type prove struct{ *VM }

// Witness reads what is to be proved.
func (a prove) Witness(_ context.Context, step remediate.Step) (remediate.Witness, error) {
	switch {
	case a.o.Proof == nil:
		return nil, notDone(step, fmt.Errorf("the inventory names no unit for it: set vms: %s: proof", a.o.Name))
	case step.Image == nil || step.Image.Digest == "":
		return nil, notDone(step, errors.New("the step names no checkpoint that there is"))
	}
	return remediate.Witness{keyImage: step.Image.Digest, "since": a.o.Now().UTC().Format(time.RFC3339Nano)}, nil
}

// Do has the disks to itself only while it makes the overlays and removes them: a proof
// may take long, and the VM itself must not wait for it.
func (a prove) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	if err := a.cleared(ctx); err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	verdict, proveErr := a.boot(ctx, step.Image)
	// Also when ctx has ended: nothing of it may stay behind.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := errors.Join(proveErr, a.cleared(after)); err != nil {
		return began(ctx, step, err)
	}
	if verdict != "" {
		return receipt(remediate.Failed, nil, "%s did not become healthy: %s", step.Image.Name, verdict), nil
	}
	if err := a.place.setGrade(before[keyImage], remediate.BootProved, a.o.Now()); err != nil {
		return began(ctx, step, err)
	}
	return proved(step.Image.Name), nil
}

func proved(name string) remediate.Receipt {
	return receipt(remediate.Done, map[string]string{"grade": string(remediate.BootProved)}, "%s booted and was healthy", name)
}

// boot makes the overlays, starts the unit and waits; a verdict says why it was not
// healthy.
func (a prove) boot(ctx context.Context, of *remediate.Image) (verdict string, err error) {
	if err := a.overlays(ctx, of); err != nil {
		return "", err
	}
	a.o.Reached("prove.made")
	if err := a.o.Keeper.Start(ctx, a.o.Proof.Unit); err != nil {
		return "", fmt.Errorf("cannot start %s: %w", a.o.Proof.Unit, err)
	}
	a.o.Reached("prove.started")
	return a.healthy(ctx)
}

// overlays makes live/proof/DISK: an overlay for each disk that goes back, and an empty
// image for each that stays, since the real one is in use and is not to be shown.
func (a prove) overlays(ctx context.Context, of *remediate.Image) error {
	release, err := a.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	puts, err := a.resolve(ctx, of)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.place.proofs(), 0o2770); err != nil {
		return err
	}
	if err := removeFile(a.place.live("proof", consoleLog)); err != nil { // that of the proof before
		return err
	}
	if err := need(a.place.proofs(), overlayRoom+int64(len(a.o.Disks))*overlayNew, "make throw-away overlays"); err != nil {
		return err
	}
	for disk, p := range puts {
		all, err := a.place.room(cmp.Or(p.On, a.place.live(p.Back)))
		if err != nil {
			return err
		}
		if err := a.make(ctx, a.place.live("proof", disk), all[0]); err != nil {
			return err
		}
	}
	for _, disk := range a.keep() {
		if err := a.empty(ctx, disk); err != nil {
			return err
		}
	}
	return nil
}

// empty makes an image as large as a disk that stays.
func (a prove) empty(ctx context.Context, disk string) error {
	file := a.keepFile(disk)
	if file == "" {
		return fmt.Errorf("cannot find disk %s: expected %s.qcow2 in %s", disk, disk, a.place.live())
	}
	stays, err := readImage(file)
	if err != nil {
		return err
	}
	path := a.place.live("proof", disk)
	if err := (img{}).createEmpty(ctx, path, stays.Size); err != nil {
		return err
	}
	return share(path)
}

// healthy waits until all probes have answered healthy for the window, and says what was
// wrong when that takes longer than a boot may, or the copy has ended.
func (a prove) healthy(ctx context.Context) (verdict string, err error) {
	window := cmp.Or(a.o.Proof.Window, DefaultProofWindow)
	within := a.o.BootsWithin + window
	verdict, since, ended := "no probe has answered", time.Time{}, false
	over := wait(ctx, within, func(ctx context.Context) bool {
		if u, err := a.o.Keeper.State(ctx, a.o.Proof.Unit); err == nil && !u.Active {
			verdict, ended = a.o.Proof.Unit+" has ended: "+u.Result, true
			return true
		}
		var asked []remediate.Observation
		for _, name := range a.o.Proof.Healthy {
			o := a.o.Probe(ctx, name)
			if asked = append(asked, o); o.Health != remediate.Healthy {
				verdict = name + ": " + o.Detail
			}
		}
		if remediate.Worst(asked) != remediate.Healthy {
			since = time.Time{}
		} else if since.IsZero() {
			since = time.Now()
		}
		return !since.IsZero() && time.Since(since) >= window
	})
	switch {
	case ended:
		return verdict, nil
	case over:
		return "", nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	return fmt.Sprintf("not within %v: %s", within, verdict), nil
}

// cleared is clear, while nobody else changes the disks.
func (a prove) cleared(ctx context.Context) error {
	release, err := a.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	return a.clear(ctx)
}

// clear stops the unit, and removes what lies in live/proof by the names of disks.
// Nothing lies on those.
func (a prove) clear(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	u, err := a.o.Keeper.State(asking, a.o.Proof.Unit)
	if err == nil && u.Active {
		err = a.o.Keeper.Stop(ctx, a.o.Proof.Unit)
	}
	if err != nil {
		return fmt.Errorf("cannot stop %s: %w", a.o.Proof.Unit, err)
	}
	for disk := range a.o.Disks {
		if err := a.throwAway(a.place.live("proof", disk)); err != nil {
			return err
		}
	}
	return nil
}

func (a prove) throwAway(path string) error {
	if !exists(path) {
		return nil
	}
	if open, _, err := opened(path); err != nil || open {
		return errors.Join(fmt.Errorf("cannot remove %s: a QEMU has it open", path), err)
	}
	if err := a.place.unused(path); err != nil {
		return err
	}
	return removeFile(path)
}

// Happened goes by the grade. What was under way is ended: a proof has to be watched.
func (a prove) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	grades, err := a.place.grades()
	since, timeErr := time.Parse(time.RFC3339Nano, before["since"])
	if err := errors.Join(err, timeErr); err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	if g := grades[before[keyImage]]; g.Grade == remediate.BootProved && !g.At.Before(since) {
		return proved(step.Image.Name), nil
	}
	if err := a.cleared(ctx); err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	return remediate.Receipt{}, remediate.ErrNotDone
}
