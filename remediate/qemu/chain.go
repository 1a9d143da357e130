package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxChain is how many images may lie on each other: each costs reads, and one more
// file that must not be lost.
const maxChain = 8

func takes(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512 // stat(2)
	}
	return info.Size()
}

// chain reads an image and what lies below it, top first. Each must lie where images
// may, be a plain qcow2 file, and name what lies below it by its absolute path.
func (p place) chain(path string) ([]image, error) {
	var all []image
	for at := path; at != ""; {
		if len(all) == maxChain {
			return nil, tooDeep(path)
		}
		if err := p.mayLie(at); err != nil {
			return nil, err
		}
		top, err := readImage(at)
		if err != nil {
			return nil, err
		}
		if err := p.trusts(top); err != nil {
			return nil, err
		}
		if err := checkBacking(top); err != nil {
			return nil, err
		}
		all = append(all, top)
		at = top.Backing
	}
	return all, nil
}

// room refuses a chain on which there is no place for another overlay.
func (p place) room(path string) ([]image, error) {
	all, err := p.chain(path)
	if err == nil && len(all) >= maxChain {
		err = tooDeep(path)
	}
	return all, err
}

func tooDeep(path string) error {
	return fmt.Errorf("cannot use the image %s: its backing chain is deeper than %d with an overlay on it; promote a checkpoint of it, or flatten it: qemu-img convert -O qcow2 %s FLAT.qcow2", path, maxChain, path)
}

// trusts refuses an image that neither root nor the believed user made: QEMU's user
// can put files beside ours.
func (p place) trusts(i image) error {
	if i.Owner == 0 || i.Owner == uint32(p.who) && !below(i.Path, p.good()) {
		return nil
	}
	return fmt.Errorf("cannot use the image %s: it belongs to user %d; expected root%s", i.Path, i.Owner, p.orWho(i.Path))
}

func (p place) orWho(path string) string {
	if below(path, p.good()) {
		return ""
	}
	return fmt.Sprintf(" or user %d", p.who)
}

func checkBacking(i image) error {
	switch {
	case i.Corrupt:
		return fmt.Errorf("cannot use the image %s: QEMU marked it as corrupt; qemu-img check tells more", i.Path)
	case i.Backing == "":
		return nil
	case !filepath.IsAbs(i.Backing) || filepath.Clean(i.Backing) != i.Backing:
		return fmt.Errorf("cannot use the image %s: its backing file is %q; expected an absolute path", i.Path, i.Backing)
	case i.Format != "qcow2":
		return fmt.Errorf("cannot use the image %s: it says that its backing file %s has format %q; expected qcow2", i.Path, i.Backing, i.Format)
	}
	return nil
}

// mayLie refuses an image outside of where images may lie, one that a symlink in its
// path leads elsewhere, and one of Nix's store that nothing keeps.
func (p place) mayLie(path string) error {
	if !p.lies(path) {
		return fmt.Errorf("cannot use the image %s: expected one below %s, %s", path, p.images, strings.Join(append(slices.Clone(p.deploys), p.store), ", "))
	}
	real, err := filepath.EvalSymlinks(filepath.Dir(path))
	switch {
	case err != nil:
		return fmt.Errorf("cannot use the image %s: %w", path, err)
	case !p.holds(real):
		return fmt.Errorf("cannot use the image %s: its directory is %s, through a symlink", path, real)
	}
	return p.rooted(path)
}

// holds reports whether a directory is, or is below, one of those where images may
// lie, which may be symlinks themselves.
func (p place) holds(dir string) bool {
	for _, root := range append([]string{p.live(), p.good(), p.store}, p.deploys...) {
		if real, err := filepath.EvalSymlinks(root); err == nil && below(filepath.Join(dir, "x"), real) {
			return true
		}
	}
	return false
}

// rooted refuses an image in Nix's store that its collector may remove: one whose
// store path no symlink below the roots leads to (nix-store(1), --gc).
func (p place) rooted(path string) error {
	if !below(path, p.store) {
		return nil
	}
	inside, _, _ := strings.Cut(strings.TrimPrefix(path, p.store+"/"), "/")
	found := false
	err := filepath.WalkDir(p.roots, func(at string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type() == fs.ModeSymlink && p.leadsTo(at, inside) {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	if err != nil || !found {
		storePath := filepath.Join(p.store, inside)
		return fmt.Errorf("cannot use the image %s: nothing below %s keeps it from being collected; nix-store --add-root ROOT --realise %s does", path, p.roots, storePath)
	}
	return nil
}

// leadsTo follows a symlink, by way of others, until it names something in the
// store: also where the last one is what the store path is by itself.
func (p place) leadsTo(link, inside string) bool {
	for range 8 {
		to, err := os.Readlink(link)
		if err != nil {
			return false
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(link), to)
		}
		if name, ok := strings.CutPrefix(to, p.store+"/"); ok {
			name, _, _ = strings.Cut(name, "/")
			return name == inside
		}
		link = to
	}
	return false
}

// uses are all images that others lie on, with one that does: of every image in
// live/, good/ and live/proof/, all the way down.
type uses struct {
	by map[string]string
	// lost says of an image that others lie on that it is missing: what lay below that
	// can't be told, and nothing may be deleted.
	lost error
}

// inUse finds them. With an image that can't be read it is an error, since nothing is
// known of what is below that.
func (p place) inUse() (uses, error) {
	used := uses{by: map[string]string{}}
	for _, dir := range []string{p.live(), p.good(), p.proofs()} {
		files, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return used, fmt.Errorf("cannot tell which images are in use: %w", err)
		}
		for _, f := range files {
			if !f.Type().IsRegular() || !isImage(dir == p.proofs(), f.Name()) {
				continue
			}
			if err := used.trace(filepath.Join(dir, f.Name())); err != nil {
				return used, fmt.Errorf("cannot tell which images are in use: %w", err)
			}
		}
	}
	return used, nil
}

// isImage tells images from what lies beside them. What the guest of a proof writes to
// its console is none, whatever it begins with.
func isImage(proof bool, name string) bool {
	return strings.HasSuffix(name, ".qcow2") || proof && name != consoleLog
}

// trace notes what lies below an image.
func (u *uses) trace(path string) error {
	for range 4 * maxChain {
		top, err := readImage(path)
		switch {
		case errors.Is(err, errForeign): // a raw disk lies on nothing
			return nil
		case errors.Is(err, fs.ErrNotExist):
			u.lost = fmt.Errorf("cannot tell what the image %s was for: %w", path, err)
			return nil
		case err != nil || top.Backing == "":
			return err
		}
		if _, seen := u.by[top.Backing]; seen {
			return nil
		}
		u.by[top.Backing], u.by[plain(top.Backing)] = path, path
		path = top.Backing
	}
	return tooDeep(path)
}

// plain is a path without symlinks: an image has one such name. One that leads nowhere
// stays as it is.
func plain(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// on refuses to touch an image that others lie on.
func (u uses) on(path string) error {
	for _, name := range []string{path, plain(path)} {
		if above, ok := u.by[name]; ok {
			return fmt.Errorf("cannot put %s in place or aside, or remove it: %s lies on it", path, above)
		}
	}
	return nil
}

// unused refuses an image that others lie on.
func (p place) unused(path string) error {
	used, err := p.inUse()
	if err != nil {
		return err
	}
	return used.on(path)
}

// needless refuses to delete an image that others lie on, or could.
func (p place) needless(path string) error {
	used, err := p.inUse()
	if err != nil {
		return err
	}
	return errors.Join(used.on(path), used.lost)
}
