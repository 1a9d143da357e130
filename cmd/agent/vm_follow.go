package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// follower tells how an incident goes that a person started, until it is over or with
// people.
type follower struct {
	*cli
	client *oncall.Client
	id     remediate.ID
	flags  orderFlags
	screen screen

	teller *teller
	told   int    // how many of its events were told
	asked  string // the digest of the rung that was asked about last
	live   bool   // whether the last line on the screen is to be written over

	connect func() (*oncall.Client, error) // to the agent of this host, if nil
	seeks   int                            // since the agent answered last
}

// lookAgain is the longest that an event may go unnoticed, and how often the line at
// the end is written anew, and an agent that is gone is sought.
const lookAgain = time.Second

// mostSeeks is how often it is: an agent that is started anew answers within seconds, one
// whose host is, within minutes.
const mostSeeks = 180

// run follows the incident to its end, also over a start of the agent. The error is nil
// only when what was asked for was done.
func (f *follower) run(ctx context.Context) error {
	defer func() { f.client.Close() }()
	for {
		incident, err := f.watch(ctx)
		if err == nil {
			return f.conclude(incident)
		}
		if errors.Is(err, oncall.ErrUnreachable) && ctx.Err() == nil {
			err = f.seek(ctx, err)
		}
		if err != nil {
			return f.leave(ctx, err)
		}
	}
}

// watch follows the incident for as long as the agent answers, and returns it once it is
// over.
func (f *follower) watch(ctx context.Context) (*remediate.Incident, error) {
	following, stop := context.WithCancel(ctx)
	defer stop()
	news, lost := f.listen(following)
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		story, err := f.look(ctx)
		if err == nil && over(story.Incident.State) {
			return &story.Incident, nil
		}
		if err == nil {
			err = f.answer(ctx, &story.Incident)
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-news:
		case <-tick.C:
		case err := <-lost:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// listen tells that there is something new, and that nothing more will be told.
func (f *follower) listen(ctx context.Context) (news <-chan struct{}, lost <-chan error) {
	told, ended, client := make(chan struct{}, 1), make(chan error, 1), f.client
	go func() {
		ended <- client.Follow(ctx, f.id, func([]byte) {
			select {
			case told <- struct{}{}:
			default: // it will look anyway
			}
		})
	}()
	return told, ended
}

// seek waits for an agent that is being started anew, and connects to it; why is what is
// wrong until then. What was asked for last is asked again: whether the agent heard it
// shows.
func (f *follower) seek(ctx context.Context, why error) error {
	if f.seeks == 0 {
		f.clear()
		f.screen.line(say("the agent does not answer; what it has begun goes on once it does"))
	}
	connecting := f.connect
	if connecting == nil {
		connecting = func() (*oncall.Client, error) { return f.connectAgain(ctx) }
	}
	for ; f.seeks < mostSeeks; f.seeks++ {
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
		client, err := connecting()
		if err == nil {
			f.client.Close()
			f.client, f.asked = client, ""
			f.seeks++
			return nil
		}
		why = err
	}
	return why
}

func (f *follower) connectAgain(ctx context.Context) (*oncall.Client, error) {
	settings, err := f.settings()
	if err != nil {
		return nil, err
	}
	return f.cli.connect(ctx, settings)
}

// over reports whether nothing more happens by itself.
func over(s remediate.State) bool { return !s.Live() || s == remediate.Escalated }

// look reads the incident and tells what is new.
func (f *follower) look(ctx context.Context) (oncall.Story, error) {
	var story oncall.Story
	if err := f.client.Ask(ctx, oncall.AskIncident, oncall.IncidentQuery{Incident: string(f.id)}, &story); err != nil {
		return story, err
	}
	f.seeks = 0
	if f.teller == nil {
		f.teller = &teller{screen: f.screen, opened: story.Incident.OpenedAt}
	}
	for _, entry := range story.Entries[min(f.told, len(story.Entries)):] {
		f.clear()
		f.teller.tell(entry)
	}
	f.told = len(story.Entries)
	f.show(&story.Incident)
	return story, nil
}

// answer deals with a rung that waits for a person: by a yes that was given before, or
// by asking. Where nobody can be asked it stays held.
func (f *follower) answer(ctx context.Context, i *remediate.Incident) error {
	rung := heldRung(i)
	if rung == nil || rung.Digest == f.asked {
		return nil
	}
	f.asked = rung.Digest
	f.clear()
	tellHeld(f.screen, i, f.now())
	switch {
	case f.flags.yes:
	case !f.canAsk():
		return errHeld
	case !f.asks(ctx, "Do exactly this?"):
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, err := f.client.Do(ctx, oncall.Deny, oncall.Request{Incident: string(f.id), Comment: "the person who was asked said no"})
		return err
	}
	return f.approves(ctx, rung.Digest)
}

// approves says yes to a rung. Where the incident would do something else by then, the
// yes is not taken, and that is asked about next.
func (f *follower) approves(ctx context.Context, digest string) error {
	_, err := f.client.Do(ctx, oncall.Approve, oncall.Request{Incident: string(f.id), Plan: digest, Comment: f.flags.comment})
	if err == nil {
		return nil
	}
	story, unread := f.look(ctx)
	if rung := heldRung(&story.Incident); unread == nil && (rung == nil || rung.Digest != digest) {
		return nil
	}
	return err
}

// errHeld says that a person has to answer, and none can be asked here.
var errHeld = errors.New("a person has to approve it: nightshift approve, or add --yes")

// leave ends the following of an incident that goes on, and says so.
func (f *follower) leave(ctx context.Context, why error) error {
	f.clear()
	if errors.Is(why, errHeld) {
		return fmt.Errorf("incident %s is held: %w", f.id, why)
	}
	if ctx.Err() != nil {
		why = errors.New("interrupted")
	}
	return fmt.Errorf("cannot follow incident %s any longer, and it goes on without (%w); see: nightshift show %s", f.id, why, f.id)
}

// conclude says how it ended.
func (f *follower) conclude(i *remediate.Incident) error {
	f.clear()
	if f.flags.json {
		if err := writeJSON(f.out, oncall.Summarise(i)); err != nil {
			return err
		}
	} else {
		newScreen(f.out).line(say("incident "+string(i.ID)+" is "), in(stateStyle(i.State), reasoned(string(i.State), string(i.Reason), oneLine(i.Detail))))
	}
	if asAsked(i) || f.flags.anyRung && i.State == remediate.Resolved {
		return nil
	}
	return failure{status: statusFailed}
}

// asAsked reports whether what was asked for was done and holds: an update after which
// the way back had to be taken was not.
func asAsked(i *remediate.Incident) bool {
	return i.State == remediate.Resolved && len(i.Tried) == 1
}

// show writes the line at the end: what is under way, and for how long. It is for
// terminals; elsewhere the events say enough.
func (f *follower) show(i *remediate.Incident) {
	if !f.screen.isTerminal() || over(i.State) || i.State == remediate.Held {
		return
	}
	f.clear()
	text := fmt.Sprintf("%s, %s", underWay(i), span(max(f.now().Sub(i.OpenedAt.Wall), 0).Truncate(time.Second)))
	fmt.Fprint(f.screen.w, f.screen.show(in(faint, cutTo(text, f.screen.width-1, f.screen.width))))
	f.live = true
}

// clear takes the line at the end away.
func (f *follower) clear() {
	if f.live {
		fmt.Fprint(f.screen.w, clearLine)
		f.live = false
	}
}

// underWay says what an incident is at.
func underWay(i *remediate.Incident) string {
	switch {
	case i.Intent != nil:
		return i.Intent.What.String()
	case i.State == remediate.Verifying && i.Watch != nil && len(i.Watch.Last) > 0:
		return "verifying: " + i.Watch.Worst.String()
	case i.State == remediate.Waiting && i.Wait != nil:
		return "waiting: " + string(i.Wait.Reason)
	}
	return string(i.State)
}
