package qemu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// PromoteOptions say what [Promote] makes the last-known-good.
type PromoteOptions struct {
	// VM and Name are the instance of the unit, VM:NAME.
	VM, Name string
	// Images is the directory of the VM's disks, Disks are those that go back,
	// DeploysFrom where the images may lie on which they were deployed.
	Images      string
	Disks       []string
	DeploysFrom []string
	// Agent is the user whose catalogue and grades are believed.
	Agent uint32
	// By names on whose behalf; it is recorded.
	By  string
	Now func() time.Time
	// Reached is told of each durable boundary; nil is nobody.
	Reached func(point string)
	// Store and GCRoots are Nix's; /nix/store and /nix/var/nix/gcroots if empty.
	Store, GCRoots string
}

// promotion is one at work.
type promotion struct {
	o     PromoteOptions
	place place
	stage string // a directory that only root can look into
	tally tally
}

// Promote flattens a checkpoint into good/, hashes it, records it, and makes it the
// last-known-good; one that lies in good/ already is read whole and made it again. It
// runs as root, on a name that an unprivileged agent chose and on files that QEMU's user
// can write, so it copies what others can write before it believes a byte of it, and
// names each file to qemu-img, whatever the headers say. Nothing that exists is written
// over; run again after a crash it starts anew. progress, which may be nil, is told of
// bytes.
func Promote(ctx context.Context, o PromoteOptions, progress func(done, total int64)) (Record, error) {
	r, err := promoteTo(ctx, o, progress)
	if err != nil {
		return Record{}, fmt.Errorf("cannot promote %s of %s: %w", o.Name, o.VM, err)
	}
	return r, nil
}

func promoteTo(ctx context.Context, o PromoteOptions, progress func(done, total int64)) (Record, error) {
	p := newPromotion(o, progress)
	return p.point(func() (Record, error) { return p.record(ctx) })
}

func newPromotion(o PromoteOptions, progress func(done, total int64)) *promotion {
	if o.Reached == nil {
		o.Reached = func(string) {}
	}
	p := &promotion{o: o, tally: tally{tell: progress}, place: place{
		images: o.Images, deploys: o.DeploysFrom, who: believed(o.Agent),
		store: cmp.Or(o.Store, nixStore), roots: cmp.Or(o.GCRoots, nixRoots),
	}}
	p.stage = p.place.good(temporary + o.Name)
	return p
}

// point makes a record, while nobody else does, and lets last-known-good name it.
func (p *promotion) point(record func() (Record, error)) (Record, error) {
	if err := CheckName(p.o.Name); err != nil {
		return Record{}, err
	}
	unlock, err := p.alone()
	if err != nil {
		return Record{}, err
	}
	defer unlock()
	if err := sweep(p.place.good()); err != nil {
		return Record{}, err
	}
	r, err := record()
	if err == nil {
		err = writeFile(p.place.pointer(), 0o444, []byte(r.Name+"\n"))
	}
	p.o.Reached("promote.pointed")
	return r, err
}

// alone locks good/, which must be root's (in a test: this process's): flock(2).
func (p *promotion) alone() (unlock func(), err error) {
	dir, err := os.Open(p.place.good())
	if err != nil {
		return nil, err
	}
	info, err := dir.Stat()
	if err == nil {
		err = rootOnly(p.place.good(), info)
	}
	if err == nil && syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		err = errors.New("another promotion is under way")
	}
	if err != nil {
		dir.Close()
		return nil, err
	}
	return func() { dir.Close() }, nil
}

// record makes the record, or finds the one that there is.
func (p *promotion) record(ctx context.Context) (Record, error) {
	c, err := p.place.catalogue()
	if err != nil {
		return Record{}, err
	}
	frozen, live := c.find(p.o.Name)
	if exists(p.place.good(p.o.Name + ".json")) {
		r, err := p.place.record(p.o.Name, p.o.Disks)
		if err == nil && live && r.Of != frozen.Digest {
			err = fmt.Errorf("%s was promoted already, of another checkpoint of that name", r.Name)
		}
		if err != nil {
			return r, err
		}
		return r, p.place.verify(ctx, r, p.tally.tell)
	}
	if !live {
		return Record{}, fmt.Errorf("%w %q", errNoCheckpoint, p.o.Name)
	}
	if err := p.place.check(frozen, p.o.Disks); err != nil {
		return Record{}, err
	}
	return p.make(ctx, frozen)
}

// make makes the files and then the record, by which they count.
func (p *promotion) make(ctx context.Context, c frozen) (Record, error) {
	grades, err := p.place.grades()
	if err != nil {
		return Record{}, err
	}
	from := map[string]string{}
	for _, disk := range p.o.Disks {
		from[disk] = p.place.live(c.Disks[disk].File)
	}
	r := Record{Name: c.Name, Taken: c.Taken, Grade: best(c.Grade, grades[c.Digest].Grade), Of: c.Digest}
	// The live files once more at the end: what was copied is what the digest is of.
	return p.write(ctx, r, from, func() error { return p.place.check(c, p.o.Disks) })
}

// write makes the files of a record out of images, and then writes it, if still says
// that they are what they were.
func (p *promotion) write(ctx context.Context, r Record, from map[string]string, still func() error) (Record, error) {
	chains, err := p.chains(from)
	if err != nil {
		return Record{}, err
	}
	if err := os.Mkdir(p.stage, 0o700); err != nil {
		return Record{}, err
	}
	defer os.RemoveAll(p.stage)
	r.Disks, r.PromotedAt, r.PromotedBy = map[string]GoodDisk{}, p.o.Now().UTC(), p.o.By
	for _, disk := range p.o.Disks {
		if r.Disks[disk], err = p.flatten(ctx, disk, chains[disk]); err != nil {
			return r, err
		}
		p.o.Reached("promote.disk")
	}
	if err := still(); err != nil {
		return r, errors.Join(err, p.takeBack(r))
	}
	if err := writeJSON(p.place.good(r.Name+".json"), 0o444, r); err != nil {
		return r, err
	}
	p.o.Reached("promote.recorded")
	return r, nil
}

// takeBack removes what was made in vain: nothing lies on a file without a record.
func (p *promotion) takeBack(r Record) error {
	var wrong []error
	for _, d := range r.Disks {
		wrong = append(wrong, removeFile(p.place.good(d.File)))
	}
	return errors.Join(wrong...)
}

// chains reads what is to be flattened, and looks whether there is room: for a copy of
// it and for the result, which takes no more.
func (p *promotion) chains(from map[string]string) (map[string][]image, error) {
	chains, bytes := map[string][]image{}, int64(overlayNew)
	for _, disk := range p.o.Disks {
		all, err := p.place.chain(from[disk])
		if err != nil {
			return nil, err
		}
		chains[disk] = all
		for _, i := range all {
			bytes += 2 * i.Takes
			p.tally.total += 3 * i.Takes // copied, flattened, hashed
		}
	}
	return chains, need(p.place.good(), bytes, "copy and flatten the images")
}

// flatten makes one promoted file of a chain.
func (p *promotion) flatten(ctx context.Context, disk string, chain []image) (GoodDisk, error) {
	var files []string
	for depth, i := range chain {
		file, err := p.own(ctx, disk, depth, i)
		if err != nil {
			return GoodDisk{}, err
		}
		files = append(files, file)
	}
	var takes int64
	for _, i := range chain {
		takes += i.Takes
	}
	flat, told := filepath.Join(p.stage, disk+".flat"), 0.0
	err := img{}.convert(ctx, files, flat, func(percent float64) {
		p.tally.add(int64((percent - told) / 100 * float64(takes)))
		told = percent
	})
	if err != nil {
		return GoodDisk{}, err
	}
	return p.keep(ctx, disk, flat)
}

// keep hashes a flat image, makes it read-only, and gives it its name in good/.
func (p *promotion) keep(ctx context.Context, disk, flat string) (GoodDisk, error) {
	i, err := readImage(flat)
	if err == nil {
		err = img{}.check(ctx, flat)
	}
	if err == nil && i.Backing != "" {
		err = fmt.Errorf("%s lies on %s", flat, i.Backing)
	}
	if err != nil {
		return GoodDisk{}, err
	}
	sum, err := p.hash(ctx, flat)
	if err != nil {
		return GoodDisk{}, err
	}
	name := goodFile(p.o.Name, disk)
	if err := p.replace(flat, name); err != nil {
		return GoodDisk{}, err
	}
	return GoodDisk{File: name, Format: "qcow2", Size: i.Bytes, MTime: i.MTime, SHA256: sum}, nil
}

func (p *promotion) hash(ctx context.Context, path string) (string, error) {
	f, _, err := open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := errors.Join(f.Chmod(0o444), f.Sync()); err != nil {
		return "", err
	}
	return p.tally.copy(ctx, io.Discard, f)
}

// replace moves a flat image to its name. One of that name without a record is what a
// crash left, unless something lies on it.
func (p *promotion) replace(flat, name string) error {
	if exists(p.place.good(name)) {
		if err := p.place.needless(p.place.good(name)); err != nil {
			return err
		}
		if err := removeFile(p.place.good(name)); err != nil {
			return err
		}
	}
	return rename(p.place.good(), filepath.Join(filepath.Base(p.stage), filepath.Base(flat)), name)
}
