package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"nightshift/remediate/systemd"
)

// limitWithin bounds one setting or taking back of limits: some calls to systemd, each
// of which takes milliseconds, and a reload of its units, which takes seconds on a large
// host.
const limitWithin = time.Minute

// LimitDir is where it is kept what units had before their limits.
const LimitDir = systemd.LimitDir

// ApplyLimits gives a unit the limits that a profile of the inventory has for it. It is
// for root, and believes only what root alone can have written. Invocation tells this run
// from others, dir is [LimitDir].
func ApplyLimits(ctx context.Context, s Settings, dir, profile, unit, invocation string) error {
	limits, err := limitsOf(s, profile, unit)
	if err != nil {
		return errors.Join(err, RefuseLimits(dir, unit, invocation, err))
	}
	ctx, cancel := context.WithTimeout(ctx, limitWithin)
	defer cancel()
	return limiter(dir, invocation).Apply(ctx, limits)
}

// RefuseLimits keeps, for whoever had the program started, why it could not begin.
func RefuseLimits(dir, unit, invocation string, why error) error {
	return limiter(dir, invocation).Refuse(unit, why)
}

// LimitSaid is the last that was said of a unit's limits; its name may be the one that a
// timer has for it.
func LimitSaid(dir, unit string) (string, error) { return systemd.LimitSaid(dir, unit) }

// UndoLimits takes back the limits of a profile that a unit has. It is for root, and
// needs no inventory: what it had before was kept.
func UndoLimits(ctx context.Context, dir, profile, unit, invocation string) error {
	ctx, cancel := context.WithTimeout(ctx, limitWithin)
	defer cancel()
	return limiter(dir, invocation).Undo(ctx, profile, unit)
}

// Limited are the units that have limits now.
func Limited(dir string) ([]systemd.Limited, error) { return systemd.ReadLimits(dir) }

func limiter(dir, invocation string) systemd.Limiter {
	return systemd.Limiter{Dir: dir, Invocation: invocation, Unified: systemd.Unified(), Now: time.Now}
}

// limitsOf are those of a profile for a unit, by an inventory that root owns.
func limitsOf(s Settings, profile, unit string) (systemd.Limits, error) {
	if err := ownedByRoot(s.Config); err != nil {
		return systemd.Limits{}, err
	}
	file, err := s.Inventory()
	if err != nil {
		return systemd.Limits{}, err
	}
	p, ok := file.Profiles[profile]
	if !ok {
		return systemd.Limits{}, fmt.Errorf("cannot find the profile %q: the inventory has %v", profile, slices.Sorted(maps.Keys(file.Profiles)))
	}
	limit, ok := p.Units[unit]
	if !ok {
		return systemd.Limits{}, fmt.Errorf("cannot limit %q: profile %s has limits for %v", unit, profile, p.Order)
	}
	return systemd.Limits{
		Profile: profile, Unit: unit, For: p.For,
		Memory: uint64(limit.Memory), MemoryMax: uint64(limit.MemoryMax),
		CPU: time.Duration(float64(limit.CPU) / 100 * float64(time.Second)), CPUWeight: uint64(limit.CPUWeight),
	}, nil
}

// ownedByRoot refuses a file that somebody other than root could have written, or put
// another one in its place.
func ownedByRoot(path string) error {
	if strings.HasPrefix(path, "builtin:") {
		return nil
	}
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return fmt.Errorf("cannot find the inventory: %w", err)
	}
	for at := path; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return fmt.Errorf("cannot tell who owns the inventory: %w", err)
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case !ok || stat.Uid != 0:
			return fmt.Errorf("cannot believe the inventory %s: %s is not root's", path, at)
		case info.Mode().Perm()&0o022 != 0:
			return fmt.Errorf("cannot believe the inventory %s: others than root may write %s; chmod go-w it", path, at)
		case at == filepath.Dir(at):
			return nil
		}
	}
}
