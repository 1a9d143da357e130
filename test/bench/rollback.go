package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/guest"
	"nightshift/test/site"
	"nightshift/test/world"
)

// rollbackTurns is how often a virtual machine is rolled back by either side: each
// turn boots three times.
const rollbackTurns = 6

// rollbackTurn bounds one of them: a boot takes 3 s where nothing else runs, but a guest
// that hangs is waited for.
const rollbackTurn = 4 * time.Minute

// rollbacks is the machine outside of a small virtual one, with the agent and with a
// bare program that does the same steps.
type rollbacks struct {
	host   *site.Site
	people *oncall.Client
	broken int                  // how many bad updates there were
	steps  map[string][]float64 // how long each took the agent, in milliseconds
}

// rollback times how long it takes from the approval of a rollback to the first
// healthy answer, beside a program that does no more than it takes: power down,
// a new overlay, start.
func rollback(ctx context.Context, agent, bench string) (rows []row, err error) {
	host, err := site.Start(ctx, site.Options{VMHost: true, Program: agent, Log: os.Stderr})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, host.Stop()) }()
	if err := host.CopyIn(bench, benchProgram); err != nil {
		return nil, err
	}
	// It would see the machine down at each look, and have the agent look after it.
	if _, err := host.Exec(ctx, "systemctl", "stop", "prometheus.service"); err != nil {
		return nil, err
	}
	r := rollbacks{host: host, steps: map[string][]float64{}}
	if r.people, err = host.Person(); err != nil {
		return nil, err
	}
	defer r.people.Close()
	var healthy, started turns
	err = alternate(rollbackTurns,
		r.turn(ctx, &healthy.ours, &started.ours, r.approved), r.turn(ctx, &healthy.floor, &started.floor, r.bare))
	if err != nil {
		return nil, err
	}
	rows = []row{
		healthy.row("approval to first healthy answer", "ms", "power down, overlay, start by a bare program").ratioAtMost(1.1),
		started.row("of that, until its unit is started", "ms", "the same"),
	}
	for _, step := range []remediate.Verb{remediate.VerbPowerDown, remediate.VerbSwap, remediate.VerbBoot} {
		rows = append(rows, row{What: "of that, " + string(step), Unit: "ms", Ours: median(r.steps[string(step)])})
	}
	return rows, nil
}

// ready has a rollback ready, which begin begins; done tells when it had started the
// machine's unit, and does what is left.
type ready func(context.Context) (begin func() error, done func() (started time.Time, err error), err error)

// turn breaks the machine by an update, has it rolled back, and notes how long that
// took.
func (r *rollbacks) turn(ctx context.Context, healthy, started *[]float64, prepare ready) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(ctx, rollbackTurn)
		defer cancel()
		if err := r.update(ctx); err != nil {
			return err
		}
		begin, done, err := prepare(ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := begin(); err != nil {
			return err
		}
		if err := r.await(ctx, http.StatusOK, world.FirstImage.Name); err != nil {
			return err
		}
		*healthy = append(*healthy, ms(time.Since(began)))
		at, err := done()
		*started = append(*started, ms(at.Sub(began)))
		return err
	}
}

// update puts an image in place that answers 500.
func (r *rollbacks) update(ctx context.Context) error {
	r.broken++
	image := guest.Image{Name: fmt.Sprintf("bad-%d", r.broken), Behaviour: guest.Unhealthy}
	if err := r.host.VM().Update(ctx, image); err != nil {
		return err
	}
	return r.await(ctx, http.StatusInternalServerError, image.Name)
}

// askFor is how long one question waits: QEMU takes a connection that a guest which
// boots does not answer.
const askFor = 100 * time.Millisecond

// await asks until the guest shows that image with that status.
func (r *rollbacks) await(ctx context.Context, status int, image string) error {
	for {
		asking, cancel := context.WithTimeout(ctx, askFor)
		served, got, err := r.host.VM().Served(asking)
		cancel()
		switch {
		case err == nil && got == status && served.Image == image:
			return nil
		case ctx.Err() != nil:
			console := r.host.VM().Console(context.WithoutCancel(ctx))
			return fmt.Errorf("cannot wait longer for %s to answer %d: %d %+v (%w)\n%s", image, status, got, served, err, console)
		}
		time.Sleep(askFor / 10)
	}
}

// approved has the agent hold a rollback; a person's yes begins it. At its end nobody
// waits for the verification.
func (r *rollbacks) approved(ctx context.Context) (begin func() error, done func() (time.Time, error), err error) {
	reply, err := r.people.Do(ctx, oncall.Start, oncall.Request{Order: &oncall.Order{
		Playbook: playbooks.VMRollback.Name, Target: remediate.VM("rave"),
	}})
	if err != nil {
		return nil, nil, err
	}
	request := oncall.Request{Incident: string(reply.Incident.ID), Comment: "measured"}
	if request.Plan, err = r.held(ctx, request.Incident); err != nil {
		return nil, nil, err
	}
	say := func(verb string) error {
		_, err := r.people.Do(ctx, verb, request)
		return err
	}
	begin = func() error { return say(oncall.Approve) }
	done = func() (time.Time, error) {
		started, err := r.note(ctx, request.Incident)
		request.Force = true // whatever the guest's probes say by now
		return started, errors.Join(err, say(oncall.Close))
	}
	return begin, done, nil
}

// note takes down how long each step took, as the agent says, and returns when the last
// had ended.
func (r *rollbacks) note(ctx context.Context, id string) (last time.Time, err error) {
	var story oncall.Story
	if err := r.people.Ask(ctx, oncall.AskIncident, oncall.IncidentQuery{Incident: id}, &story); err != nil {
		return last, err
	}
	i := story.Incident
	for n, receipt := range i.Tried[0].Results {
		step := string(i.Plan.Rungs[0].Steps[n].Do)
		r.steps[step] = append(r.steps[step], ms(receipt.Took))
	}
	for _, entry := range story.Entries {
		if entry.Event.Finished != nil {
			last = entry.At.Wall
		}
	}
	return last, nil
}

// held waits until an incident waits for a person, and returns the digest of what it
// would do.
func (r *rollbacks) held(ctx context.Context, id string) (plan string, err error) {
	var story oncall.Story
	for {
		if err := r.people.Ask(ctx, oncall.AskIncident, oncall.IncidentQuery{Incident: id}, &story); err != nil {
			return "", fmt.Errorf("cannot wait longer for incident %s, which is %s (%+v): %w", id, story.Incident.State, story.Incident.Wait, err)
		}
		switch i := story.Incident; {
		case i.State == remediate.Held:
			return i.Plan.Rungs[i.Rung].Digest, nil
		case !i.State.Live() || i.State == remediate.Escalated:
			return "", fmt.Errorf("cannot measure a rollback: the incident is %s (%s: %s)", i.State, i.Reason, i.Detail)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// bare has a program ready that does the same steps; a line begins them, and at their
// end it says when that was.
func (r *rollbacks) bare(ctx context.Context) (begin func() error, done func() (time.Time, error), err error) {
	cmd := r.host.Command(ctx, "root", benchProgram, rollbackRole)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	said := bufio.NewReader(out)
	if _, err := said.ReadString('\n'); err != nil {
		return nil, nil, errors.Join(err, cmd.Wait())
	}
	begin = func() error {
		_, err := io.WriteString(in, "go\n")
		return err
	}
	done = func() (started time.Time, err error) {
		var at int64
		_, err = fmt.Fscan(said, &at)
		return time.UnixMicro(at), errors.Join(err, cmd.Wait())
	}
	return begin, done, nil
}
