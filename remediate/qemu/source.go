package qemu

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate"
)

// Names of images that are no checkpoints'.
const (
	asidePrefix = "aside-" // and the time at which a swap put it aside
	beforeName  = "before" // what ran when the plan was made
)

// put says for one disk what a swap puts in place: a new overlay on an image, or an
// overlay that there is already.
type put struct {
	On   string `json:"on,omitzero"`   // absolute path
	Back string `json:"back,omitzero"` // name in live/
}

// images are what a swap could put in place now, as a plan names them.
func (v *VM) images(ctx context.Context, asked *remediate.Asked) (map[remediate.Source]remediate.Image, map[remediate.Source]string) {
	found, lacks := map[remediate.Source]remediate.Image{}, map[remediate.Source]string{}
	on, err := v.swappable()
	sources := map[remediate.Source]func() (remediate.Image, error){
		remediate.LastKnownGood: func() (remediate.Image, error) { return v.lastKnownGood(ctx) },
		remediate.BeforeSwap:    func() (remediate.Image, error) { return v.before(on) },
		remediate.SetAside:      v.setAside,
	}
	if asked != nil {
		sources[remediate.WasAsked] = func() (remediate.Image, error) { return v.asked(ctx, *asked) }
	}
	for source, find := range sources {
		if err != nil {
			lacks[source] = err.Error()
			continue
		}
		image, err := find()
		if err != nil {
			lacks[source] = err.Error()
		}
		if image.Name != "" {
			image.From, image.Keep = on, v.keep()
			found[source] = image
		}
	}
	return found, lacks
}

// swappable is what the disks are on, unless that can't be put aside: for then no
// machine is to be powered down for a swap.
func (v *VM) swappable() (map[string]string, error) {
	on, err := v.current()
	if err != nil {
		return nil, err
	}
	used, err := v.place.inUse()
	if err != nil {
		return nil, err
	}
	for _, disk := range v.goBack() {
		if err := used.on(v.place.live(on[disk])); err != nil {
			return nil, err
		}
	}
	return on, nil
}

func (v *VM) lastKnownGood(ctx context.Context) (remediate.Image, error) {
	name, err := v.place.lastKnownGood()
	if err != nil {
		return remediate.Image{}, err
	}
	c, err := v.checkpoint(ctx, name)
	if err == nil && !c.Promoted {
		err = fmt.Errorf("cannot use the checkpoint %s: %s names it, and it was not promoted", name, v.place.pointer())
	}
	if err != nil {
		return remediate.Image{}, err
	}
	return v.imageOf(c), nil
}

func (v *VM) imageOf(c Checkpoint) remediate.Image {
	return remediate.Image{Name: c.Name, Digest: c.Digest, File: v.firstOf(c.Files), Grade: c.Grade, Taken: c.Taken}
}

// firstOf is the file that stands for all of them: that of the first disk.
func (v *VM) firstOf(files map[string]string) string {
	for _, disk := range v.goBack() {
		return files[disk]
	}
	return ""
}

// before is what the disks are on now.
func (v *VM) before(on map[string]string) (remediate.Image, error) {
	image := remediate.Image{Name: beforeName, Digest: digest(identity(on)), File: v.place.live(v.firstOf(on)), Taken: v.o.Now().UTC()}
	for _, name := range on {
		if _, err := v.place.chain(v.place.live(name)); err != nil {
			return remediate.Image{}, err
		}
	}
	return image, nil
}

// setAside is what the last swap put aside.
func (v *VM) setAside() (remediate.Image, error) {
	all, err := v.place.asides()
	if err != nil {
		return remediate.Image{}, err
	}
	n := slices.IndexFunc(all, v.whole)
	if n < 0 {
		return remediate.Image{}, errors.New("nothing was put aside by a swap")
	}
	image := remediate.Image{Name: asidePrefix + all[n].stamp, Digest: digest(identity(v.inUseNames(all[n].disks))), File: v.place.live(v.firstOf(all[n].disks))}
	for _, disk := range v.goBack() {
		if _, err := v.place.chain(v.place.live(all[n].disks[disk])); err != nil {
			return remediate.Image{}, err
		}
	}
	image.Taken, err = time.Parse(stampLayout, all[n].stamp)
	return image, err
}

// inUseNames are the names that overlays of disks that go back have in use.
func (v *VM) inUseNames(names map[string]string) map[string]string {
	plain := map[string]string{}
	for _, disk := range v.goBack() {
		plain[disk] = inUseName(names[disk])
	}
	return plain
}

// asked is what a person named: an image file, or a checkpoint. A name that no
// checkpoint has is that of a new one: an image without a digest, and a sentence for
// whoever meant one that there is.
func (v *VM) asked(ctx context.Context, asked remediate.Asked) (remediate.Image, error) {
	if asked.Image != "" {
		return v.deployable(asked.Image)
	}
	if err := CheckName(asked.Checkpoint); err != nil {
		return remediate.Image{}, err
	}
	c, err := v.checkpoint(ctx, asked.Checkpoint)
	switch {
	case errors.Is(err, errNoCheckpoint):
		return remediate.Image{Name: asked.Checkpoint}, err
	case err != nil:
		return remediate.Image{}, err
	}
	return v.imageOf(c), nil
}

// deployable is an image file that new overlays can lie on.
func (v *VM) deployable(path string) (remediate.Image, error) {
	disks := v.goBack()
	switch {
	case len(disks) != 1:
		return remediate.Image{}, fmt.Errorf("cannot deploy %s: %s has %d disks that go back, and one image is for one", path, v.o.Name, len(disks))
	case !slices.ContainsFunc(v.o.DeploysFrom, func(dir string) bool { return below(path, dir) }):
		return remediate.Image{}, fmt.Errorf("cannot deploy %s: expected an absolute path below %s (vms: %s: deploys_from)", path, strings.Join(v.o.DeploysFrom, " or "), v.o.Name)
	case filepath.Base(path) == beforeName || strings.HasPrefix(filepath.Base(path), asidePrefix):
		return remediate.Image{}, fmt.Errorf("cannot deploy %s: give it another name; %s, and names that begin with %s, mean something else", path, beforeName, asidePrefix)
	}
	all, err := v.place.room(path)
	if err != nil {
		return remediate.Image{}, err
	}
	return remediate.Image{
		Name: filepath.Base(path), Digest: all[0].stamp(), File: path, Taken: time.Unix(0, all[0].MTime).UTC(),
	}, nil
}

// stamp identifies a file that nobody recorded: by its path, length and time.
func (i image) stamp() string {
	return digest(i.Path + " " + strconv.FormatInt(i.Bytes, 10) + " " + strconv.FormatInt(i.MTime, 10))
}

// resolve finds what a step's image is, for each disk that goes back. It is an error
// when that is not the image that was planned.
func (v *VM) resolve(ctx context.Context, planned *remediate.Image) (map[string]put, error) {
	if planned == nil || planned.Digest == "" {
		return nil, errors.New("there is no such image: the step names none that there is")
	}
	switch {
	case planned.Name == beforeName:
		return v.resolveBack(planned.From, planned.Digest)
	case strings.HasPrefix(planned.Name, asidePrefix):
		return v.resolveAside(planned)
	case slices.ContainsFunc(v.o.DeploysFrom, func(dir string) bool { return below(planned.File, dir) }):
		return v.resolveFile(planned)
	}
	c, err := v.checkpoint(ctx, planned.Name)
	if err != nil {
		return nil, err
	}
	puts := map[string]put{}
	for _, disk := range v.goBack() {
		puts[disk] = put{On: c.Files[disk]}
	}
	return puts, asPlanned(planned, c.Digest, c.Of)
}

func (v *VM) resolveFile(planned *remediate.Image) (map[string]put, error) {
	now, err := v.deployable(planned.File)
	if err != nil {
		return nil, err
	}
	return map[string]put{v.goBack()[0]: {On: now.File}}, asPlanned(planned, now.Digest)
}

func (v *VM) resolveAside(planned *remediate.Image) (map[string]put, error) {
	all, err := v.place.asides()
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if asidePrefix+a.stamp == planned.Name && v.whole(a) {
			return v.resolveBack(v.inUseNames(a.disks), planned.Digest)
		}
	}
	return nil, fmt.Errorf("there is nothing in %s that was put aside as %s", v.place.live(), planned.Name)
}

// resolveBack finds overlays by the names that they have, or had, in use.
func (v *VM) resolveBack(names map[string]string, want string) (map[string]put, error) {
	if got := digest(identity(names)); got != want {
		return nil, fmt.Errorf("the overlays %s are not those that were planned", identity(names))
	}
	puts := map[string]put{}
	for _, disk := range v.goBack() {
		file, err := v.place.find(names[disk])
		if err != nil {
			return nil, err
		}
		if _, err := v.place.chain(v.place.live(file)); err != nil {
			return nil, err
		}
		puts[disk] = put{Back: file}
	}
	return puts, nil
}

// asPlanned refuses an image that has none of these digests.
func asPlanned(planned *remediate.Image, digests ...string) error {
	if !slices.Contains(digests, planned.Digest) {
		return fmt.Errorf("the image %s is not the one that was planned: its digest is %s and was %s", planned.Name, digests[0], planned.Digest)
	}
	return nil
}
