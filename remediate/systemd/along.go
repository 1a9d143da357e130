package systemd

import (
	"context"
	"strings"
	"time"

	"nightshift/remediate"
)

// alongKey is the fact of a receipt that says how each unit stands that was taken
// along.
const alongKey = "TookAlong"

// wentAlong is how the units stand that a step took along, in words.
type wentAlong []string

// along waits until the units that a step takes along have no job any more, or ctx
// ends: a unit's job is over before those of what hangs on it, and whatever is still
// being started would pass for somebody else's start.
func (u *Units) along(ctx context.Context, step remediate.Step) wentAlong {
	var words []string
	for _, on := range step.Takes {
		now, err := u.restsAt(ctx, on.Name)
		if err != nil {
			words = append(words, on.Name+" can't be read")
			continue
		}
		words = append(words, now.name+" is "+now.String())
	}
	return words
}

// restsAt reads a unit when it has no job, or when ctx ends. It reads at least once.
func (u *Units) restsAt(ctx context.Context, name string) (state, error) {
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	for {
		now, err := u.glance(context.WithoutCancel(ctx), name)
		if err != nil || now.job == 0 {
			return now, err
		}
		select {
		case <-ctx.Done():
			return now, nil
		case <-ticker.C:
		}
	}
}

func (w wentAlong) tell(receipt *remediate.Receipt) {
	if len(w) > 0 && receipt.Facts != nil {
		receipt.Facts[alongKey] = strings.Join(w, "; ")
	}
}
