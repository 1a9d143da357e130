package qemu

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"nightshift/remediate"
)

// Checkpoint is a state of the disks that one can go back to.
type Checkpoint struct {
	Name  string          `json:"name"`
	Taken time.Time       `json:"taken"`
	Grade remediate.Grade `json:"grade,omitzero"`
	// Digest identifies it: no other of that name is meant. Of is the one that it had
	// before it was promoted.
	Digest string `json:"digest"`
	Of     string `json:"of,omitzero"`
	// Promoted is whether it lies in good/, Good whether it is the last-known-good.
	Promoted bool `json:"promoted,omitzero"`
	Good     bool `json:"good,omitzero"`
	// Files are its images, by disk: absolute paths.
	Files map[string]string `json:"files"`
	// Wrong says why it can't be used; empty when it can.
	Wrong string `json:"wrong,omitzero"`
}

// frozen is a checkpoint in the catalogue: overlays that became backing files, and are
// not written any more.
type frozen struct {
	Name   string                 `json:"name"`
	Taken  time.Time              `json:"taken"`
	Grade  remediate.Grade        `json:"grade,omitzero"`
	Disks  map[string]frozenImage `json:"disks"`
	Digest string                 `json:"digest"`
}

// frozenImage is one of its files. Size in bytes and MTime in nanoseconds since 1970
// tell a file that was written to since.
type frozenImage struct {
	File  string `json:"file"`
	Size  int64  `json:"size"`
	MTime int64  `json:"mtime"`
}

// digest is what binds a grade and an approval to these files.
func (c frozen) digest() string {
	text, _ := json.Marshal(struct {
		Name  string
		Taken int64
		Disks map[string]frozenImage
	}{c.Name, c.Taken.UnixNano(), c.Disks})
	return digest(string(text))
}

type catalogue struct {
	Checkpoints []frozen `json:"checkpoints"`
}

func (p place) catalogueFile() string { return p.live("checkpoints.json") }
func (p place) gradesFile() string    { return p.live("grades.json") }

// catalogue reads the live checkpoints; without a file there are none.
func (p place) catalogue() (catalogue, error) {
	var c catalogue
	err := p.who.readJSON(p.catalogueFile(), &c)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	return c, err
}

func (c catalogue) find(name string) (frozen, bool) {
	n := slices.IndexFunc(c.Checkpoints, func(f frozen) bool { return f.Name == name })
	if n < 0 {
		return frozen{}, false
	}
	return c.Checkpoints[n], true
}

// enter writes a checkpoint of files that are not written any more.
func (p place) enter(name string, taken time.Time, grade remediate.Grade, files map[string]string) error {
	c, err := p.catalogue()
	if err != nil {
		return err
	}
	entry := frozen{Name: name, Taken: taken.UTC(), Grade: grade, Disks: map[string]frozenImage{}}
	for disk, file := range files {
		i, err := readImage(p.live(file))
		if err != nil {
			return err
		}
		entry.Disks[disk] = frozenImage{file, i.Bytes, i.MTime}
	}
	entry.Digest = entry.digest()
	c.Checkpoints = slices.DeleteFunc(c.Checkpoints, func(f frozen) bool { return f.Name == name })
	c.Checkpoints = append(c.Checkpoints, entry)
	return writeJSON(p.catalogueFile(), ours, c)
}

// check looks whether the files of a live checkpoint are those that were frozen, and
// in order down to the last one.
func (p place) check(c frozen, disks []string) error {
	if c.Digest != c.digest() {
		return fmt.Errorf("cannot use the checkpoint %s: %s was changed by hand", c.Name, p.catalogueFile())
	}
	for _, disk := range disks {
		was, ok := c.Disks[disk]
		if o, named := parseOverlay(was.File); !ok || !named || o.disk != disk {
			return fmt.Errorf("cannot use the checkpoint %s: it was taken without disk %s", c.Name, disk)
		}
		all, err := p.chain(p.live(was.File))
		if err != nil {
			return err
		}
		if all[0].Bytes != was.Size || all[0].MTime != was.MTime {
			return fmt.Errorf("cannot use the image %s: it was written to since the checkpoint %s was taken", all[0].Path, c.Name)
		}
	}
	return nil
}

// graded is a grade that was proved later, by the digest of what it is of. Only this
// agent or root writes that file ([believed]), so QEMU's user, who could forge an
// image in live/, can't have it called proved; and an image of another digest has no
// grade here, whatever its name.
type graded struct {
	Grade remediate.Grade `json:"grade"`
	At    time.Time       `json:"at"`
}

func (p place) grades() (map[string]graded, error) {
	all := map[string]graded{}
	err := p.who.readJSON(p.gradesFile(), &all)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	return all, err
}

// setGrade notes what a digest was proved to be.
func (p place) setGrade(digest string, g remediate.Grade, at time.Time) error {
	all, err := p.grades()
	if err != nil {
		return err
	}
	all[digest] = graded{g, at.UTC()}
	return writeJSON(p.gradesFile(), ours, all)
}

// best is the higher of two grades.
func best(a, b remediate.Grade) remediate.Grade {
	order := []remediate.Grade{remediate.Unproved, remediate.WasHealthy, remediate.BootProved}
	if slices.Index(order, a) > slices.Index(order, b) {
		return a
	}
	return b
}

// Checkpoints are all that the VM has, the live ones and the promoted ones, newest
// first. One of which anything is wrong says so itself; the error is of what hides
// some.
func (v *VM) Checkpoints(context.Context) ([]Checkpoint, error) {
	p := v.place
	grades, gradesErr := p.grades()
	c, liveErr := p.catalogue()
	goods, goodErr := p.goods(v.goBack())
	good, _ := p.lastKnownGood()
	var all []Checkpoint
	for _, r := range goods {
		all = append(all, p.promoted(r, good, grades))
	}
	for _, f := range c.Checkpoints {
		if !slices.ContainsFunc(all, func(c Checkpoint) bool { return c.Name == f.Name }) {
			all = append(all, v.liveCheckpoint(f, grades))
		}
	}
	slices.SortStableFunc(all, func(a, b Checkpoint) int {
		return cmp.Or(b.Taken.Compare(a.Taken), cmp.Compare(a.Name, b.Name))
	})
	return all, errors.Join(gradesErr, liveErr, goodErr)
}

func (p place) promoted(r Record, good string, grades map[string]graded) Checkpoint {
	c := Checkpoint{Name: r.Name, Taken: r.Taken, Digest: r.Digest(), Of: r.Of, Promoted: true, Good: r.Name == good, Files: map[string]string{}}
	c.Grade = best(r.Grade, best(grades[c.Digest].Grade, grades[c.Of].Grade))
	for disk, d := range r.Disks {
		c.Files[disk] = p.good(d.File)
	}
	return c
}

func (v *VM) liveCheckpoint(f frozen, grades map[string]graded) Checkpoint {
	c := Checkpoint{Name: f.Name, Taken: f.Taken, Digest: f.Digest, Files: map[string]string{}}
	c.Grade = best(f.Grade, grades[f.Digest].Grade)
	for disk, i := range f.Disks {
		c.Files[disk] = v.place.live(i.File)
	}
	if err := v.place.check(f, v.goBack()); err != nil {
		c.Wrong = err.Error()
	}
	return c
}

// checkpoint finds one by its name, and returns an error unless it can be used.
func (v *VM) checkpoint(ctx context.Context, name string) (Checkpoint, error) {
	all, err := v.Checkpoints(ctx)
	for _, c := range all {
		if c.Name == name && c.Wrong == "" {
			return c, nil
		}
		if c.Name == name {
			return c, errors.New(c.Wrong)
		}
	}
	return Checkpoint{}, errors.Join(fmt.Errorf("%w %q of %s", errNoCheckpoint, name, v.o.Name), err)
}

var errNoCheckpoint = errors.New("there is no checkpoint")
