package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) watchCommand() *cobra.Command {
	var from since
	command := &cobra.Command{
		Use:   "watch",
		Short: "Follow what happens, live; rings when a person is wanted",
		Long: "Follow what happens, live, until Ctrl-C: first how the agent is and what is open, then each event and each\n" +
			"notification as it comes. On a terminal the bell rings when a person is wanted: for an approval, or because an\n" +
			"incident was handed over. When the agent is started anew it goes on, and tells what was missed.",
		Args: cobra.NoArgs,
	}
	command.Flags().Var(&from, "since", "first tell the notifications since then: 12h, or 2026-08-01T18:00")
	mustComplete(command, "since", cobra.NoFileCompletions)
	output := choice{"table", []string{"table", "json"}}
	addChoice(command, &output, "output", "o", "how it is written: table, or json for one object a line")
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		settings, err := c.settings()
		if err != nil {
			return err
		}
		w := newWatcher(c, settings, output.json())
		w.since = from.before(c.now())
		return w.run(cmd.Context())
	}
	return command
}

// watcher tells what happens, over restarts of the agent.
type watcher struct {
	*cli
	settings agent.Settings
	screen   screen
	json     bool
	since    time.Time // notifications from then on are told first; zero is none
	again    time.Duration

	began bool
	// n and at are of the last event that was told, noted the notifications that were.
	n       uint64
	at      time.Time
	noted   map[noteKey]bool
	targets map[remediate.ID]remediate.Target
	tellers map[remediate.ID]*teller
	broken  error // of the output
}

// noteKey tells notifications apart.
type noteKey struct {
	kind     oncall.Kind
	incident remediate.ID
	at       int64
}

// tryAgain is how often an agent that does not answer is asked anew.
const tryAgain = time.Second

func newWatcher(c *cli, s agent.Settings, json bool) *watcher {
	return &watcher{
		cli: c, settings: s, screen: newScreen(c.out), json: json, again: tryAgain,
		noted: map[noteKey]bool{}, targets: map[remediate.ID]remediate.Target{}, tellers: map[remediate.ID]*teller{},
	}
}

// run follows until ctx ends. An agent that never answered is an error; one that
// answers no more is waited for.
func (w *watcher) run(ctx context.Context) error {
	for lost := false; ; {
		err := w.follow(ctx, func() {
			if lost {
				fmt.Fprintln(w.err, "nightshift: the agent answers again")
			}
			lost = false
		})
		switch {
		case ctx.Err() != nil, w.broken != nil:
			return w.broken
		case !w.began, !errors.Is(err, oncall.ErrUnreachable):
			return err
		case !lost:
			fmt.Fprintln(w.err, "nightshift: the agent does not answer; it is waited for")
			lost = true
		}
		select {
		case <-time.After(w.again):
		case <-ctx.Done():
			return nil
		}
	}
}

// follow follows one connection to its end; connected is called once it stands.
func (w *watcher) follow(ctx context.Context, connected func()) error {
	client, err := w.connect(ctx, w.settings)
	if err != nil {
		return err
	}
	defer client.Close()
	following, stop := context.WithCancel(ctx)
	defer stop()
	return client.Watch(following, func() error {
		err := w.catchUp(ctx, client)
		if err == nil {
			connected()
		}
		return err
	}, func(seen oncall.Seen) {
		w.tell(seen)
		if w.broken != nil {
			stop()
		}
	})
}

// catchUp tells how things stand at first, and later what was missed.
func (w *watcher) catchUp(ctx context.Context, client *oncall.Client) error {
	if err := w.missedNotifications(ctx, client); err != nil {
		return err
	}
	if w.began {
		return eachStored(ctx, oncall.EventsQuery{Since: w.at, After: w.n}, pagesOf(client), func(stored []byte) error {
			w.tell(oncall.Seen{Event: stored})
			return nil
		})
	}
	var status oncall.Status
	if err := client.Ask(ctx, oncall.AskStatus, nil, &status); err != nil {
		return err
	}
	var open []oncall.Summary
	if err := client.Ask(ctx, oncall.AskIncidents, oncall.Filter{Open: true}, &open); err != nil {
		return err
	}
	w.begin(status, open)
	return nil
}

// begin tells how things stand.
func (w *watcher) begin(status oncall.Status, open []oncall.Summary) {
	w.began, w.at = true, w.now()
	for _, i := range open {
		w.targets[i.ID] = i.Target
	}
	if w.json {
		return
	}
	tellStatus(w.screen, status, true)
	if len(open) > 0 {
		w.screen.line()
		incidentTable(open, w.now()).write(w.screen)
	}
	w.screen.line()
}

// missedNotifications tells those that came while nobody listened.
func (w *watcher) missedNotifications(ctx context.Context, client *oncall.Client) error {
	since := w.since
	if w.began {
		since = w.at
	}
	if since.IsZero() {
		return nil
	}
	var missed []oncall.Notification
	if err := client.Ask(ctx, oncall.AskNotifications, oncall.NotificationsQuery{Since: since}, &missed); err != nil {
		return err
	}
	for n := range missed {
		w.tell(oncall.Seen{Notification: &missed[n]})
	}
	return nil
}

// tell tells one thing, once.
func (w *watcher) tell(seen oncall.Seen) {
	if seen.Notification != nil {
		w.tellNotification(*seen.Notification)
		return
	}
	e, n, err := oncall.ReadEvent(seen.Event)
	if err != nil || n <= w.n && !e.At.Wall.After(w.at) {
		return // a newer agent's, or told already
	}
	w.n, w.at = n, e.At.Wall
	if w.json {
		w.object("event", remediate.RawJSON(seen.Event))
		return
	}
	w.tellEvent(e)
}

// object writes one JSON object on a line.
func (w *watcher) object(name string, value any) {
	text, err := remediate.EncodeJSON(map[string]any{name: value})
	if err == nil {
		_, err = w.out.Write(append(text, '\n'))
	}
	w.broken = err
}

// tellEvent writes an event's headline.
func (w *watcher) tellEvent(e remediate.Event) {
	if e.Read != nil {
		return // alerts that change nothing
	}
	about := "this host"
	var words told
	if e.Incident == "" {
		words = sayHost(e)
	} else {
		words = w.teller(e).words(oncall.Entry{Type: e.Type, At: e.At, Event: e})
		about = strings.TrimSpace(string(e.Incident) + " " + w.targets[e.Incident].String())
	}
	w.screen.line(in(faint, e.At.Wall.Local().Format(time.TimeOnly)+"  "), in(bold, about), say("  "), words.head)
	w.broken = w.out.err
	if e.Ended != nil && !e.Ended.State.Live() {
		delete(w.tellers, e.Incident)
		delete(w.targets, e.Incident)
	}
}

// teller knows what an incident's later events need not say again.
func (w *watcher) teller(e remediate.Event) *teller {
	if e.Opened != nil {
		w.targets[e.Incident] = e.Opened.Target
	}
	t := w.tellers[e.Incident]
	if t == nil {
		t = &teller{opened: e.At}
		w.tellers[e.Incident] = t
	}
	return t
}

// rings are the kinds that want a person now.
var rings = []oncall.Kind{oncall.NotifyApprovalWanted, oncall.NotifyEscalated}

// mostNoted bounds what is remembered of notifications: more than come in a day.
const mostNoted = 4096

func (w *watcher) tellNotification(n oncall.Notification) {
	key := noteKey{n.Kind, n.Incident, n.At.UnixNano()}
	if w.noted[key] {
		return
	}
	if len(w.noted) >= mostNoted {
		clear(w.noted)
	}
	w.noted[key] = true
	if w.json {
		w.object("notification", n)
		return
	}
	wanted := slices.Contains(rings, n.Kind)
	tellNotification(w.screen, n, wanted)
	if wanted && w.screen.isTerminal() {
		fmt.Fprint(w.screen.w, bell)
	}
	w.broken = w.out.err
}

// bell is what makes a terminal ring: BEL of ECMA-48.
const bell = "\a"

// tellNotification writes a notification for a tired person: the sentence, and what
// to type.
func tellNotification(s screen, n oncall.Notification, wanted bool) {
	tone := bold
	if wanted {
		tone = red
	}
	s.line(in(faint, n.At.Local().Format(time.TimeOnly)+"  "), in(tone, strings.ReplaceAll(string(n.Kind), "_", " ")), say(": "+oneLine(n.Text)))
	field := func(name, text string) {
		if text != "" {
			s.line(say(fmt.Sprintf("%10s%-7s%s", "", name, oneLine(text))))
		}
	}
	field("asked", n.Asked)
	if !n.Until.IsZero() {
		field("until", moment(n.Until))
	}
	field("answer", n.Command)
	field("see", n.Dashboard)
}
