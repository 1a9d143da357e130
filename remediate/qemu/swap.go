package qemu

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nightshift/remediate"
)

// swap puts the disks that go back aside, and others in their place, while the VM is
// down.
type swap struct{ *VM }

// What has to be free before an exchange: a fresh overlay takes 200 KiB (measured), and
// a guest that boots writes some megabytes at once; QEMU stops it when there is no room.
const (
	overlayRoom = 64 << 20
	overlayNew  = 1 << 20
)

// Witness names what will be made. An exchange of the same image that is under way is
// the one that goes on.
func (a swap) Witness(_ context.Context, step remediate.Step) (remediate.Witness, error) {
	if step.Image == nil || step.Image.Digest == "" {
		return nil, notDone(step, errors.New("the step names no image that there is"))
	}
	x, there, err := a.place.exchange()
	if err != nil {
		return nil, notDone(step, err)
	}
	if there && x.Image == step.Image.Digest {
		return witnessOf(x.Image, x.Stamp, x.on(), x.into()), nil
	}
	on, err := a.current()
	if err != nil {
		return nil, notDone(step, err)
	}
	stamp, err := a.stamp()
	if err != nil {
		return nil, notDone(step, err)
	}
	into, err := a.into(step.Image, on)
	if err != nil {
		return nil, notDone(step, err)
	}
	return witnessOf(step.Image.Digest, stamp, on, into), nil
}

func witnessOf(image, stamp string, on, into map[string]string) remediate.Witness {
	return remediate.Witness{keyImage: image, keyStamp: stamp, keyDisks: identity(on), keyInto: identity(into)}
}

// stamp is a mark that nothing has yet.
func (v *VM) stamp() (string, error) {
	all, err := v.place.asides()
	at := v.o.Now().UTC()
	for _, a := range all { // the newest first
		if last, err := time.Parse(stampLayout, a.stamp); err == nil && !at.Truncate(time.Second).After(last) {
			at = last.Add(time.Second)
		}
	}
	return at.Format(stampLayout), err
}

// into are the names of what the disks will be on: fresh ones, but an overlay that comes
// back keeps its own.
func (v *VM) into(planned *remediate.Image, on map[string]string) (map[string]string, error) {
	names := map[string]string{}
	for disk := range on {
		names[disk] = newOverlay(disk, v.o.Now())
	}
	if planned.Name != beforeName && !strings.HasPrefix(planned.Name, asidePrefix) {
		return names, nil
	}
	puts, err := v.resolve(context.Background(), planned)
	for disk, p := range puts {
		names[disk] = inUseName(p.Back)
	}
	return names, err
}

// Do exchanges the disks, and returns an error if it has not begun. Once begun it goes
// forward only; what fails then is a receipt, and the next that comes, also a boot,
// brings it to its end.
func (a swap) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	release, err := a.alone(ctx)
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	defer release()
	x, err := a.begin(ctx, step, before)
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	a.o.Reached("swap.planned")
	if err := a.forward(ctx, x); err != nil {
		return a.failed(ctx, step, err)
	}
	return swapped(x), nil
}

// begin proves that the VM is down, and makes the plan durable, or takes up the one that
// there is.
func (a swap) begin(ctx context.Context, step remediate.Step, before remediate.Witness) (exchange, error) {
	if err := a.held(ctx); err != nil {
		return exchange{}, err
	}
	x, there, err := a.place.exchange()
	if err != nil || there && x.Image == before[keyImage] && identity(x.into()) == before[keyInto] {
		return x, err
	}
	if err := a.conclude(ctx); err != nil {
		return exchange{}, err
	}
	if x, err = a.planned(ctx, step, before); err != nil {
		return exchange{}, err
	}
	return x, writeJSON(a.place.plan(), ours, x)
}

// held returns an error unless the VM is held and down.
func (v *VM) held(ctx context.Context) error {
	h, _, err := v.place.readHold()
	if err == nil {
		err = heldBy(h)
	}
	if err != nil {
		return err
	}
	return v.down(ctx, process{})
}

// planned makes the plan of a swap, of disks that are as the witness saw them.
func (a swap) planned(ctx context.Context, step remediate.Step, before remediate.Witness) (exchange, error) {
	on, err := a.swappable()
	if err != nil {
		return exchange{}, err
	}
	if identity(on) != before[keyDisks] {
		return exchange{}, fmt.Errorf("the disks are on %s and were on %s when the step was prepared", identity(on), before[keyDisks])
	}
	puts, err := a.resolve(ctx, step.Image)
	if err != nil {
		return exchange{}, err
	}
	if err := need(a.place.live(), overlayRoom+int64(len(on))*overlayNew, "make new overlays"); err != nil {
		return exchange{}, err
	}
	x := exchange{Begun: a.o.Now().UTC(), Image: before[keyImage], Stamp: before[keyStamp], Disks: map[string]move{}}
	for _, pair := range strings.Fields(before[keyInto]) {
		disk, name, _ := strings.Cut(pair, "=")
		if name == on[disk] {
			return exchange{}, fmt.Errorf("disk %s is on %s already", disk, name)
		}
		x.Disks[disk] = move{Old: on[disk], New: name, put: puts[disk]}
	}
	return x, x.check()
}

// failed takes back what was only prepared; what has begun to flip stays for who comes
// next.
func (a swap) failed(ctx context.Context, step remediate.Step, why error) (remediate.Receipt, error) {
	if ctx.Err() != nil {
		return ended(ctx, step, why)
	}
	x, there, err := a.place.exchange()
	if err == nil && there && !x.Flipping {
		if err := a.abandon(x); err == nil {
			return remediate.Receipt{}, notDone(step, why)
		}
	}
	return began(ctx, step, errors.Join(why, err))
}

func swapped(x exchange) remediate.Receipt {
	facts := map[string]string{keyDisks: identity(x.into()), keyStamp: x.Stamp, "aside": identity(x.on())}
	return receipt(remediate.Done, facts, "the disks are on %s; what they were on is kept as aside-%s", identity(x.into()), x.Stamp)
}

// Happened: done when the disks are on what was to be put in place and nothing is left to
// do; whatever else is not, and a second time goes forward from there.
func (a swap) Happened(_ context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	_, there, err := a.place.exchange()
	if err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	on, err := a.current()
	if err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	if there || identity(on) != before[keyInto] {
		return remediate.Receipt{}, remediate.ErrNotDone
	}
	return receipt(remediate.Done, map[string]string{keyDisks: identity(on), keyStamp: before[keyStamp]}, "the disks are on %s", identity(on)), nil
}
