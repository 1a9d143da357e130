package agent

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"nightshift/remediate"
	"nightshift/remediate/failpoint"
	"nightshift/remediate/oncall"
)

// reached is where a test build can be made to die.
func reached(boundary string) {
	if failpoint.Enabled && slices.Contains(failpoint.Names(), boundary) {
		failpoint.Here(boundary)
	}
}

// told tells people what became durable, and logs it. It says what the log says, in
// the same words, and waits for nobody.
func (a *Agent) told(e remediate.Event, i *remediate.Incident) {
	if n, ok := oncall.NotificationOf(e, i); ok {
		n.Dashboard = a.file().Host.Dashboard
		a.notifier.Tell(n)
	}
	a.pager.nudge()
	if i == nil {
		a.log.Info("recorded", slog.String("event", string(e.Type)))
		return
	}
	level := slog.LevelInfo
	switch {
	case e.Type == remediate.IncidentEscalated:
		level = slog.LevelWarn
	case e.Joined != nil, e.Probed != nil:
		level = slog.LevelDebug
	}
	attrs := append([]slog.Attr{
		slog.String("event", string(e.Type)), slog.String("incident", string(i.ID)),
		slog.String("playbook", i.Playbook.Name), slog.String("target", i.Target.String()), slog.String("state", string(i.State)),
	}, said(e)...)
	a.log.LogAttrs(context.Background(), level, "incident", attrs...)
}

// said are the words of an event.
func said(e remediate.Event) []slog.Attr {
	switch {
	case e.Judged != nil:
		v := e.Judged.Verdict
		return []slog.Attr{slog.String("verdict", string(v.Decision)), slog.String("reason", string(v.Reason)), slog.String("detail", v.Detail)}
	case e.Waited != nil:
		return []slog.Attr{slog.String("reason", string(e.Waited.Reason))}
	case e.Started != nil:
		return []slog.Attr{slog.String("step", e.Started.What.String())}
	case e.Finished != nil:
		return []slog.Attr{slog.String("result", string(e.Finished.Receipt.Result)), slog.String("detail", e.Finished.Receipt.Detail)}
	case e.Verified != nil:
		return []slog.Attr{slog.String("outcome", string(e.Verified.Outcome)), slog.String("detail", e.Verified.Detail)}
	case e.Ended != nil:
		return []slog.Attr{slog.String("reason", string(e.Ended.Reason)), slog.String("detail", e.Ended.Detail), slog.String("by", e.Ended.By)}
	}
	return nil
}

// notifyReady tells systemd that the agent is ready, and feeds its watchdog for as
// long as the engine answers: sd_notify(3), sd_watchdog_enabled(3).
func (a *Agent) notifyReady() {
	tell(daemon.SdNotifyReady)
	every := watchdogEvery()
	if every <= 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			asking, done := context.WithTimeout(ctx, every)
			if _, err := a.engine.Frozen(asking); err == nil {
				tell(daemon.SdNotifyWatchdog)
			}
			done()
			pause(ctx, every/2)
		}
	}()
	a.teardown.add("watchdog", func(stop context.Context) error { cancel(); return await(stop, ended) })
}

// watchdogEvery is the time within which systemd wants to hear of us; 0 if it
// does not.
func watchdogEvery() time.Duration {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

func (a *Agent) notifyStopping() { tell(daemon.SdNotifyStopping) }

// tell says something to systemd; where nobody listens, nothing is lost.
func tell(state string) { _, _ = daemon.SdNotify(false, state) }
