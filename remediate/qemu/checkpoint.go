package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"nightshift/remediate"
	"nightshift/remediate/qemu/qmp"
)

// checkpoint freezes the overlays that the disks are on, by others over them: live, or
// while the VM is down. What the guest had not yet written is not in it, as after a
// power cut.
type checkpoint struct{ *VM }

// Witness chooses the name, where the step is about no name of its own.
func (a checkpoint) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	on, err := a.current()
	if err != nil {
		return nil, notDone(step, err)
	}
	name, err := a.name(step.Image)
	if err != nil {
		return nil, notDone(step, err)
	}
	return remediate.Witness{"name": name, keyDisks: identity(on)}, nil
}

// name is the step's; before an image is deployed it is one of the time.
func (a checkpoint) name(planned *remediate.Image) (string, error) {
	if planned == nil || planned.File != "" && filepath.Base(planned.File) == planned.Name {
		return "auto-" + strings.ToLower(a.o.Now().UTC().Format(stampLayout)), nil
	}
	if planned.Digest != "" {
		return "", fmt.Errorf("there is a checkpoint %s already", planned.Name)
	}
	return planned.Name, CheckName(planned.Name)
}

func (a checkpoint) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	release, err := a.alone(ctx)
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	defer release()
	h, err := a.begin(ctx, before["name"])
	if err != nil {
		return remediate.Receipt{}, notDone(step, err)
	}
	if err := a.freeze(ctx, h); err != nil {
		return remediate.Receipt{}, a.takeBack(ctx, step, err)
	}
	if taken, err := a.complete(ctx, h); err != nil || !taken {
		return remediate.Receipt{}, unclear(step, errors.Join(err, errors.New("the new overlays are not in use")))
	}
	return a.taken(h.name)
}

// begin looks whether there is room, and writes what is about to be done.
func (a checkpoint) begin(ctx context.Context, name string) (held, error) {
	h := held{by: heldCheckpoint, name: name, since: a.o.Now().UTC()}
	if err := errors.Join(CheckName(name), a.settle(ctx), a.free(ctx, name)); err != nil {
		return h, err
	}
	on, err := a.current()
	if err != nil {
		return h, err
	}
	for _, disk := range a.goBack() {
		if _, err := a.place.room(a.place.live(on[disk])); err != nil {
			return h, err
		}
		h.changes = append(h.changes, change{disk, on[disk], newOverlay(disk, h.since)})
	}
	if err := need(a.place.live(), overlayRoom+int64(len(on))*overlayNew, "make new overlays"); err != nil {
		return h, err
	}
	if a.o.HealthyFor != nil && a.o.HealthyFor() >= remediate.HealthyFor {
		h.grade = remediate.WasHealthy
	}
	err = a.place.writeHold(h)
	a.o.Reached("checkpoint.held")
	return h, err
}

// free refuses a name that is taken, and a VM whose disks are being exchanged.
func (a checkpoint) free(ctx context.Context, name string) error {
	switch _, err := a.checkpoint(ctx, name); {
	case err == nil:
		return fmt.Errorf("there is a checkpoint %s already", name)
	case !errors.Is(err, errNoCheckpoint):
		return err
	}
	h, there, err := a.place.readHold()
	if err == nil && there {
		err = fmt.Errorf("%s holds the VM", h.by)
	}
	return errors.Join(err, a.noExchange())
}

func (v *VM) noExchange() error {
	_, there, err := v.place.exchange()
	if err == nil && there {
		err = errors.New("a swap of its disks is under way")
	}
	return err
}

// freeze makes the overlays, and has a QEMU that runs go over to them.
func (a checkpoint) freeze(ctx context.Context, h held) error {
	for _, c := range h.changes {
		below, err := readImage(a.place.live(c.from))
		if err != nil {
			return err
		}
		if err := a.make(ctx, a.place.live(c.to), below); err != nil {
			return err
		}
	}
	a.o.Reached("checkpoint.made")
	u, err := a.unit(ctx)
	if err != nil {
		return err
	}
	if !u.Active {
		return a.unlocked()
	}
	err = a.monitorFor(ctx, diskTimeout, func(ctx context.Context, q *qmp.Conn) error { return a.snapshot(ctx, q, h) })
	a.o.Reached("checkpoint.frozen")
	return err
}

// snapshot puts the overlays over the disks, all at one moment.
func (a checkpoint) snapshot(ctx context.Context, q *qmp.Conn, h held) error {
	drives, err := q.Drives(ctx)
	if err != nil {
		return err
	}
	var all []qmp.Over
	for _, c := range h.changes {
		node, err := a.nodeOf(drives, c.from)
		if err != nil {
			return err
		}
		all = append(all, qmp.Over{Node: node, Overlay: nodeName(c.to)})
	}
	for n, over := range all {
		if err := q.AddOverlay(ctx, over.Overlay, a.place.live(h.changes[n].to)); err != nil {
			return errors.Join(err, remove(ctx, q, all[:n]))
		}
	}
	a.o.Reached("checkpoint.added")
	if err := q.Snapshot(ctx, all...); err != nil {
		if errors.Is(err, qmp.ErrInDoubt) {
			return err
		}
		return errors.Join(err, remove(ctx, q, all))
	}
	return nil
}

// nodeName is what QEMU is to call an overlay, so that who comes after a crash knows it
// too: at most 31 characters, a letter first (qapi/block-core.json).
func nodeName(file string) string {
	o, _ := parseOverlay(file)
	return "n" + strings.ToLower(o.id)
}

// remove closes overlays that are not over anything.
func remove(ctx context.Context, q *qmp.Conn, all []qmp.Over) error {
	var wrong []error
	for _, over := range all {
		wrong = append(wrong, q.RemoveNode(ctx, over.Overlay))
	}
	return errors.Join(wrong...)
}

// nodeOf is what QEMU calls the disk whose image that is.
func (v *VM) nodeOf(drives []qmp.Drive, name string) (string, error) {
	path, err := filepath.EvalSymlinks(v.place.live(name))
	if err != nil {
		return "", err
	}
	n := slices.IndexFunc(drives, func(d qmp.Drive) bool {
		if d.Inserted == nil {
			return false
		}
		real, err := filepath.EvalSymlinks(plainFile(d.Inserted.File))
		return err == nil && real == path
	})
	if n < 0 {
		return "", fmt.Errorf("QEMU has no drive on %s", v.place.live(name))
	}
	return drives[n].Inserted.Name, nil
}

// plainFile is the file of an image in QEMU's words: a path, or, once its backing file
// has another name than in its header, "json:" and its options.
func plainFile(file string) string {
	options, ok := strings.CutPrefix(file, "json:")
	if !ok {
		return file
	}
	var image struct {
		File struct {
			Name string `json:"filename"`
		} `json:"file"`
	}
	if json.Unmarshal([]byte(options), &image) != nil {
		return ""
	}
	return image.File.Name
}

// takeBack removes what was made in vain. What QEMU was told and did not answer is in
// doubt, and stays for who comes next.
func (a checkpoint) takeBack(ctx context.Context, step remediate.Step, why error) error {
	if errors.Is(why, qmp.ErrInDoubt) {
		return unclear(step, why)
	}
	if err := a.settle(ctx); err != nil {
		return unclear(step, errors.Join(why, err))
	}
	return notDone(step, why)
}

// taken is the receipt of a checkpoint that is in the catalogue.
func (v *VM) taken(name string) (remediate.Receipt, error) {
	c, err := v.place.catalogue()
	if err != nil {
		return remediate.Receipt{}, errors.Join(remediate.ErrInDoubt, err)
	}
	f, ok := c.find(name)
	if !ok {
		return remediate.Receipt{}, remediate.ErrNotDone
	}
	return receipt(remediate.Done, map[string]string{keyImage: f.Digest}, "the checkpoint %s was taken", name), nil
}

// Happened brings to its end what a crash left, and tells by the catalogue.
func (a checkpoint) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	release, err := a.alone(ctx)
	if err != nil {
		return remediate.Receipt{}, unclear(step, err)
	}
	defer release()
	if h, there, err := a.place.readHold(); err != nil {
		return remediate.Receipt{}, unclear(step, err)
	} else if there && h.by == heldCheckpoint {
		if err := a.settle(ctx); err != nil {
			return remediate.Receipt{}, unclear(step, err)
		}
	}
	return a.taken(before["name"])
}
