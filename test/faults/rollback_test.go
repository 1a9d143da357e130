package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/guest"
	"nightshift/test/stage"
	"nightshift/test/world"
)

// How many rollbacks there are and by which seed: `make faults` asks for more.
var (
	rollbacks    = flag.Int("rollbacks", 4, "how many rollbacks of a virtual machine are done under faults")
	rollbackSeed = flag.Uint64("seed", 0, "what decides the faults and their moments; 0 is another one each time")
)

// What is promised of rollbacks under faults: at most so many of a hundred are handed
// to people, each by its deadline. Where nothing was done to it every one succeeds.
const (
	mostEscalated    = 20
	fewest           = 3 // of so few a share says nothing
	rollbackDeadline = time.Minute
)

// firstGuess is how long a rollback takes before one was seen; faults fall into that
// time.
const firstGuess = 6 * time.Second

func TestRollbacksSurviveFaults(t *testing.T) {
	seed := *rollbackSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	fmt.Fprintf(os.Stderr, "rollbacks: %d, seed %d\n", *rollbacks, seed)
	r := newRollbacks(t, rand.New(rand.NewPCG(seed, seed)))
	images := dealt(r.random, r.images, *rollbacks)
	for n, f := range dealt(r.random, round, *rollbacks) {
		begun := time.Now()
		r.present = fmt.Sprintf("rollback %d of %d, %s", n+1, *rollbacks, f)
		said := r.once(f, images[n])
		fmt.Fprintf(os.Stderr, "%s: %s (%.1f s)\n", r.present, said, time.Since(begun).Seconds())
	}
	r.wantAllAside()
	fmt.Fprintln(os.Stderr, r.figures())
	fmt.Println(r.tally)
	if most := max(fewest, mostEscalated**rollbacks/100); r.tally.escalated > most {
		t.Errorf("%d of %d rollbacks were handed to people, want at most %d", r.tally.escalated, *rollbacks, most)
	}
}

// tally is the outcome of all.
type tally struct{ rollbacks, healthy, escalated, lost, double int }

func (c tally) String() string {
	return fmt.Sprintf("rollbacks=%d healthy=%d escalated=%d lost_overlays=%d double_start=%d", c.rollbacks, c.healthy, c.escalated, c.lost, c.double)
}

// rollbackRun is one rollback after the other of the same machine.
type rollbackRun struct {
	*stage.VMAgent
	t       *testing.T
	random  *rand.Rand
	present string // what is under way, for messages
	images  []string
	count   uint64 // on the disk that stays

	tally  tally
	aside  []string        // what receipts say was put aside, oldest first
	healed []time.Duration // from the approval to the first healthy answer, where nothing was done to it
}

// bad are the kinds of a bad update: four rollbacks have each of them.
var bad = []guest.Image{
	{Name: "bad-unhealthy", Behaviour: guest.Unhealthy},
	{Name: "bad-noboot", Behaviour: guest.NoBoot},
	{Name: "bad-crash", Behaviour: guest.Crash, After: time.Second},
	{Name: "bad-hang", Behaviour: guest.Hang, After: time.Second},
}

func newRollbacks(t *testing.T, random *rand.Rand) *rollbackRun {
	t.Helper()
	a := on.VMHost(t).Begin(t, stage.VMInventory{
		Deadline: rollbackDeadline.String(), BootsWithin: "30s", AnswersWithin: "1s", PowerDownWithin: "1s",
	})
	a.Unwatched()
	r := &rollbackRun{VMAgent: a, t: t, random: random}
	for _, image := range bad {
		path, err := a.VM.Incoming(t.Context(), image)
		if err != nil {
			t.Fatal(err)
		}
		r.images = append(r.images, path)
	}
	var err error
	if r.count, err = a.VM.Count(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// dealt is so many of what there is, in turn, in a random order.
func dealt[T any](random *rand.Rand, what []T, count int) []T {
	deck := make([]T, count)
	for n := range deck {
		deck[n] = what[n%len(what)]
	}
	random.Shuffle(count, func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

// once has a bad update made by hand, and goes back from it, with a fault on the way.
func (r *rollbackRun) once(f fault, image string) string {
	r.tally.rollbacks++
	starts := len(r.Host.VMStarts(r.t))
	good := r.overlay()
	if err := r.VM.Put(r.t.Context(), image); err != nil {
		r.fatal("%v", err)
	}
	r.wantSound(good)
	was := r.overlay()
	id := r.approved()
	said := r.strike(f)
	story := r.awaitOver(id)
	r.wantStarts(starts, 1, f, story)
	r.wantKept(was, story)
	return said + r.judge(f, story)
}

// approved starts a rollback and approves it, as the operator.
func (r *rollbackRun) approved() remediate.ID {
	id := r.Order(oncall.Order{Playbook: "vm-rollback", Comment: r.present})
	held := r.AwaitHeld(id, "go back").Incident
	r.Say(oncall.Approve, oncall.Request{Incident: string(id), Plan: held.Plan.Rungs[held.Rung].Digest})
	return id
}

// awaitOver waits until the incident is over or with people.
func (r *rollbackRun) awaitOver(id remediate.ID) oncall.Story {
	story := r.AwaitState(id, remediate.Resolved)
	if took := story.Incident.Since.Since(story.Incident.OpenedAt); took > rollbackDeadline+late {
		r.errorf("it was %s after %s, want at most %s", story.Incident.State, took, rollbackDeadline)
	}
	return story
}

// judge counts how it ended. Where people have it they find the cause named, and a
// rollback of their own, with nobody in its way, mends the machine.
func (r *rollbackRun) judge(f fault, story oncall.Story) string {
	i := story.Incident
	switch escalated := stage.Count(story, remediate.IncidentEscalated) > 0; {
	case !escalated && i.State == remediate.Resolved:
		r.tally.healthy++
		r.wantGood()
		healed := healthyAfter(story)
		if f == noFault {
			r.healed = append(r.healed, healed)
		}
		return fmt.Sprintf("healthy %.1f s after the approval", healed.Seconds())
	case f == noFault || !escalated || i.Reason == "" || i.Detail == "":
		r.errorf("it is %s, want it resolved, or with people after a fault, and the cause named:\n%s", i.State, stage.Narrate(story))
	}
	r.tally.escalated++
	r.mend(i)
	return fmt.Sprintf("escalated, %s: %s", i.Reason, i.Detail)
}

// mend is what people do then.
func (r *rollbackRun) mend(i remediate.Incident) {
	if r.Story(i.ID).Incident.State == remediate.Escalated {
		r.Say(oncall.Close, oncall.Request{Incident: string(i.ID), Comment: "seen", Force: true})
	}
	was, starts := r.overlay(), len(r.Host.VMStarts(r.t))
	story := r.awaitOver(r.approved())
	r.wantStarts(starts, 0, noFault, story)
	if story.Incident.State != remediate.Resolved {
		r.fatal("a person's rollback afterwards is %s:\n%s", story.Incident.State, stage.Narrate(story))
	}
	r.wantKept(was, story)
	r.wantGood()
}

// wantGood holds that the machine runs, once, on the good image, and that the disk
// that stays was not touched.
func (r *rollbackRun) wantGood() {
	if n := r.Host.QEMUs(r.t); n != 1 {
		r.tally.double += max(0, n-1)
		r.errorf("%d QEMUs run the machine, want 1", n)
	}
	if count := r.AwaitServed(world.FirstImage.Name); count != r.count {
		r.errorf("the counter on the disk that stays is %d, want %d", count, r.count)
	}
}

func (r *rollbackRun) overlay() string {
	name, err := r.VM.Overlay()
	if err != nil {
		r.fatal("%v", err)
	}
	return name
}

// healthyAfter is how long after the approval everything answered healthy.
func healthyAfter(story oncall.Story) time.Duration {
	var approved, healthy remediate.Instant
	for _, e := range story.Entries {
		switch {
		case e.Event.Answered != nil:
			approved = e.At
		case e.Event.Probed != nil && remediate.Worst(e.Event.Probed.Observations) == remediate.Healthy,
			e.Event.Verified != nil && healthy == (remediate.Instant{}):
			healthy = e.At
		}
	}
	return healthy.Since(approved)
}

// usual is how long a rollback takes that nothing is done to: the median.
func (r *rollbackRun) usual() time.Duration {
	if len(r.healed) == 0 {
		return firstGuess
	}
	return slices.Sorted(slices.Values(r.healed))[len(r.healed)/2]
}

// figures are what is told besides.
func (r *rollbackRun) figures() string {
	if len(r.healed) == 0 {
		return "rollbacks: none without a fault"
	}
	return fmt.Sprintf("rollbacks: %d without a fault, healthy %.1f s after the approval in the median, %.1f s at the most",
		len(r.healed), r.usual().Seconds(), slices.Max(r.healed).Seconds())
}

func (r *rollbackRun) errorf(format string, arguments ...any) {
	r.t.Helper()
	r.t.Errorf(r.present+": "+format, arguments...)
}

func (r *rollbackRun) fatal(format string, arguments ...any) {
	r.t.Helper()
	r.t.Fatalf(r.present+": "+format, arguments...)
}
