package agent

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/probe"
)

const (
	// factFreed is the fact of a receipt that says how much room a oneshot unit made.
	factFreed = "freed"
	// witnessFree begins what a witness has of the free bytes of each disk that is
	// probed, by the probe's name.
	witnessFree = "free:"
	// freeTimeout bounds the reading of all of them: it must not keep a repair waiting.
	freeTimeout = 3 * time.Second
)

// roomy is a probe of a disk.
type roomy interface {
	Free(ctx context.Context) (int64, error)
}

// freeing is the action of oneshot units, whose receipts say how much room they made:
// what is free afterwards beside what the witness had, on each disk that is probed.
type freeing struct {
	remediate.Action
	world *world
}

// Witness adds how much is free.
func (a freeing) Witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	before, err := a.Action.Witness(ctx, step)
	if err != nil {
		return before, err
	}
	witness := maps.Clone(before)
	for name, free := range a.world.free(ctx) {
		witness[witnessFree+name] = strconv.FormatInt(free, 10)
	}
	return witness, nil
}

// Do acts, and says what that freed.
func (a freeing) Do(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	receipt, err := a.Action.Do(ctx, step, before)
	return a.tell(ctx, receipt, err, before)
}

// Happened says so of one that nobody heard the end of.
func (a freeing) Happened(ctx context.Context, step remediate.Step, before remediate.Witness) (remediate.Receipt, error) {
	receipt, err := a.Action.Happened(ctx, step, before)
	return a.tell(ctx, receipt, err, before)
}

func (a freeing) tell(ctx context.Context, receipt remediate.Receipt, err error, before remediate.Witness) (remediate.Receipt, error) {
	freed := a.world.freed(context.WithoutCancel(ctx), before)
	if err != nil || freed == "" {
		return receipt, err
	}
	receipt.Facts = copied(receipt.Facts)
	receipt.Facts[factFreed] = freed
	receipt.Detail = remediate.Brief(strings.TrimPrefix(receipt.Detail+"; freed "+freed, "; "))
	return receipt, nil
}

// free is how much is free on each disk that is probed and can be read, by the name of
// the probe.
func (w *world) free(ctx context.Context) map[string]int64 {
	ctx, cancel := context.WithTimeout(ctx, freeTimeout)
	defer cancel()
	all := map[string]int64{}
	for name, p := range *w.probes.Load() {
		disk, ok := p.(roomy)
		if !ok {
			continue
		}
		if free, err := disk.Free(ctx); err == nil {
			all[name] = free
		}
	}
	return all
}

// freed says what is free now and was not when the witness was read; empty where
// nothing is known of any disk.
func (w *world) freed(ctx context.Context, before remediate.Witness) string {
	now := w.free(ctx)
	var words []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		was, err := strconv.ParseInt(before[witnessFree+name], 10, 64)
		if err != nil {
			continue
		}
		words = append(words, probe.Bytes(max(now[name]-was, 0))+" ("+name+")")
	}
	return strings.Join(words, ", ")
}
