package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/journal"
)

const (
	// busyRate and calmRate are webhooks a second; each is a new incident.
	busyRate, calmRate = 200, 20
	// eachTurn is for how long they come before the other side has its turn. Each
	// is about a unit of its own then.
	eachTurn = 2 * time.Second
	// pacers are the connections that they come on.
	pacers = 8
)

// intents times webhooks up to the durable intent, and up to systemd. The floor is
// a bare handler that makes the webhook durable and then as many records of the
// same length as the agent writes up to its intent, with one sync each.
func (b *bench) intents(ctx context.Context) ([]row, error) {
	units, err := sleepers(ctx)
	if err != nil {
		return nil, err
	}
	end, err := b.startProfile()
	if err != nil {
		return nil, err
	}
	defer end()
	var rows []row
	for _, rate := range []int{calmRate, busyRate} {
		for _, acts := range []bool{false, true} {
			found, err := b.intentWith(ctx, units, rate, acts)
			if err != nil {
				return nil, fmt.Errorf("at %d a second: %w", rate, err)
			}
			rows = append(rows, found...)
		}
	}
	return rows, systemctl("stop", "ns-bench@*.service")
}

// sleepers makes the units and starts them.
func sleepers(ctx context.Context) ([]string, error) {
	if err := sleeper("ns-bench@.service"); err != nil {
		return nil, err
	}
	var units []string
	for n := range perTurn(busyRate) {
		units = append(units, fmt.Sprintf("ns-bench@%03d.service", n))
	}
	return units, errors.Join(ctx.Err(), systemctl(append([]string{"start"}, units...)...))
}

// perTurn is how many webhooks come in a turn.
func perTurn(rate int) int { return rate * int(eachTurn/time.Second) }

// startProfile writes a CPU profile, if one was asked for.
func (b *bench) startProfile() (end func(), err error) {
	if !b.profile {
		return func() {}, nil
	}
	out, err := os.Create(profileFile)
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); out.Close() }, pprof.StartCPUProfile(out)
}

// attempt is one comparison under way.
type attempt struct {
	ctx   context.Context
	units []string
	rig   *rig
	seen  *courses
	acts  bool
	rate  int
	path  string // of the floor
	runs  int
	// by boundary, in the order of the turns
	quick, slow           map[string][]float64
	floorQuick, floorSlow []float64
}

func (b *bench) intentWith(ctx context.Context, units []string, rate int, acts bool) (rows []row, err error) {
	ours, err := b.newDir("rig")
	if err != nil {
		return nil, err
	}
	theirs, err := b.newDir("floor")
	if err != nil {
		return nil, err
	}
	seen := newCourses()
	stop, err := watchJobs(func(unit string) { seen.unit(unit, jobQueued) })
	if err != nil {
		return nil, err
	}
	rig, err := newRig(ctx, ours, units, seen, acts, now)
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	floor, err := startFloor(ctx, theirs)
	if err != nil {
		return nil, errors.Join(err, rig.close(ctx), stop())
	}
	defer func() { err = errors.Join(err, rig.close(ctx), floor.kill(), stop()) }()
	a := &attempt{ctx: ctx, units: units, rig: rig, seen: seen, acts: acts, rate: rate, quick: map[string][]float64{}, slow: map[string][]float64{}}
	if err := a.ours(); err != nil { // once to warm up, and to see what is written
		return nil, err
	}
	records, size, err := recordsToIntent(ctx, rig.journal)
	if err != nil {
		return nil, err
	}
	a.quick, a.slow = map[string][]float64{}, map[string][]float64{}
	a.path = fmt.Sprintf("/incident?records=%d&bytes=%d", records, size)
	if err := alternate(b.rounds, a.ours, a.floor); err != nil {
		return nil, err
	}
	beside := fmt.Sprintf("the webhook and %d records of %d bytes, a sync each", records, size)
	if acts {
		return a.callRows(beside + ", RestartUnit"), nil
	}
	return a.intentRows(beside), nil
}

// ours sends webhooks to the rig and waits until each incident has ended.
func (a *attempt) ours() error {
	a.seen.forget()
	from := a.runs
	a.runs += perTurn(a.rate)
	_, err := pace{
		addr: rigAddr, senders: pacers, rate: a.rate, count: perTurn(a.rate),
		request: func(n int) []byte { return webhookRequest(notification(firing(benchAlert, a.unit(n), from+n))) },
		sent:    func(n int, at time.Time) { a.seen.sent(strconv.Itoa(from+n), a.unit(n), at) },
	}.run(a.ctx)
	if err != nil {
		return err
	}
	if err := a.seen.await(a.ctx, string(remediate.IncidentEnded), perTurn(a.rate)); err != nil {
		return err
	}
	for _, boundary := range a.boundaries() {
		took := a.seen.to(boundary)
		a.quick[boundary] = append(a.quick[boundary], quick(took))
		a.slow[boundary] = append(a.slow[boundary], slow(took))
	}
	return nil
}

// floor sends the same to the bare handler.
func (a *attempt) floor() error {
	a.seen.forget()
	took, err := pace{
		addr: floorAddr, senders: pacers, rate: a.rate, count: perTurn(a.rate),
		request: func(n int) []byte {
			path := a.path
			if a.acts {
				path += "&unit=" + a.unit(n)
			}
			return request(path, notification(firing(benchAlert, a.unit(n), n)))
		},
		sent: func(n int, at time.Time) { a.seen.sent(strconv.Itoa(n), a.unit(n), at) },
	}.run(a.ctx)
	if err != nil {
		return err
	}
	if a.acts {
		if err := a.seen.await(a.ctx, jobQueued, perTurn(a.rate)); err != nil {
			return err
		}
		took = a.seen.to(jobQueued)
	}
	a.floorQuick, a.floorSlow = append(a.floorQuick, quick(took)), append(a.floorSlow, slow(took))
	return nil
}

func (a *attempt) unit(n int) string { return a.units[n] }

// boundaries are what an incident comes to, in order.
func (a *attempt) boundaries() []string {
	all := []string{
		string(remediate.IncidentOpened), string(remediate.IncidentPlanned), string(remediate.IncidentJudged),
		string(remediate.StepStarted), effectBegins,
	}
	if a.acts {
		all = append(all, jobQueued)
	}
	return append(all, string(remediate.IncidentEnded))
}

func (a *attempt) intentRows(beside string) []row {
	intent := string(remediate.StepStarted)
	rows := []row{
		turns{a.quick[intent], a.floorQuick}.row(a.title("webhook to durable intent", "p50"), "ms", beside).atMost(1.5),
		turns{a.slow[intent], a.floorSlow}.row(a.title("webhook to durable intent", "p99"), "ms", "").atMost(5),
	}
	return append(rows, a.onTheWay()...)
}

func (a *attempt) callRows(beside string) []row {
	rows := []row{
		turns{a.quick[jobQueued], a.floorQuick}.row(a.title("webhook to the job in systemd", "p50"), "ms", beside),
		turns{a.slow[jobQueued], a.floorSlow}.row(a.title("webhook to the job in systemd", "p99"), "ms", ""),
	}
	return append(rows, a.onTheWay()...)
}

func (a *attempt) title(what, quantile string) string {
	return fmt.Sprintf("%s, %d a second, %s", what, a.rate, quantile)
}

// onTheWay says where the time went.
func (a *attempt) onTheWay() []row {
	var rows []row
	for _, boundary := range a.boundaries() {
		rows = append(rows, turns{ours: a.quick[boundary]}.row("  to "+boundary+", p50", "ms", ""))
	}
	return rows
}

// recordsToIntent is how many events an incident has up to its intent, and how
// long they are on average.
func recordsToIntent(ctx context.Context, j *journal.Journal) (records, size int, err error) {
	ids, err := j.Incidents(ctx, "")
	if err != nil || len(ids) == 0 {
		return 0, 0, errors.Join(err, errors.New("there are no incidents"))
	}
	sum, intended := 0, false
	err = j.Events(ctx, journal.Filter{Incident: ids[0]}, func(r journal.Recorded) error {
		if !intended {
			records, sum = records+1, sum+len(r.Raw)
		}
		intended = intended || r.Started != nil
		return nil
	})
	if err == nil && !intended {
		err = fmt.Errorf("incident %s came to no intent", ids[0])
	}
	return records, sum / max(records, 1), err
}
