package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
	"nightshift/remediate"
)

const (
	// tellAgain is how often an alert that fires is posted again: an Alertmanager that
	// was started anew remembers silences, but no alert.
	tellAgain = time.Minute
	// toldLasts is how long an alert counts as told without having been posted again.
	toldLasts = 3 * tellAgain
)

// wanted is all that the Alertmanagers are to have of this host.
type wanted struct {
	// alerts are those that fire, by fingerprint; calls those of them that people are
	// to hear, each with its incident.
	alerts map[alerts.Fingerprint]alertmanager.Alert
	calls  map[alerts.Fingerprint]remediate.ID
	quiet  []quiet
	// whole is whether the log can be trusted to hold every incident: else nothing is
	// taken for over because it is not known.
	whole bool
}

// station is one Alertmanager, as the pager goes about it. Only one goroutine at a
// time is at a station.
type station struct {
	client *alertmanager.Client
	log    *slog.Logger
	ours   alerts.Matchers // the alerts of this host's agent

	told  map[alerts.Fingerprint]time.Time // when each was posted last
	ended map[alerts.Fingerprint]bool      // posted as over
	// silences are those that it had at the time heard, muted the alerts that our
	// silences mute.
	silences []alertmanager.Silence
	muted    []alertmanager.Known
	heard    time.Time
	rests    time.Time // it is left alone until then

	mu  sync.Mutex
	err error // why it can't be reached now
}

func newStation(client *alertmanager.Client, host string, log *slog.Logger) *station {
	return &station{
		client: client, log: log, told: map[alerts.Fingerprint]time.Time{}, ended: map[alerts.Fingerprint]bool{},
		ours: alerts.Matching(fmt.Sprintf(`alertname=~"%s|%s"`, escalationAlert, actingAlert), fmt.Sprintf("host=%q", host)),
	}
}

// visit brings an Alertmanager to what is wanted, and hears what it has. What people
// are to hear comes first; a silence ends before the alert that it mutes, for what is
// muted is told to nobody, not even that it is over. claim says whether a new silence
// is this station's to make: its peers hear of it from each other.
func (s *station) visit(ctx context.Context, p posting, w wanted, now time.Time, claim func(alertmanager.Silence) bool) {
	if now.Before(s.rests) {
		return
	}
	err := s.tell(ctx, w, now)
	if err == nil {
		err = s.arrange(ctx, p, w, now, claim)
	}
	if err == nil {
		err = s.end(ctx, w, now)
	}
	if err == nil {
		err = s.hearMuted(ctx, w)
	}
	if ctx.Err() != nil {
		return
	}
	s.rests = now
	if err != nil {
		s.rests = now.Add(lookEvery)
	}
	s.say(err)
}

// tell posts what fires and has not been posted for a while.
func (s *station) tell(ctx context.Context, w wanted, now time.Time) error {
	maps.DeleteFunc(s.told, func(f alerts.Fingerprint, _ time.Time) bool { _, fires := w.alerts[f]; return !fires })
	due := map[alerts.Fingerprint]alertmanager.Alert{}
	for f, a := range w.alerts {
		if at, told := s.told[f]; !told || now.Sub(at) >= tellAgain || now.Before(at) {
			due[f] = a
		}
	}
	if err := s.client.Post(ctx, slices.Collect(maps.Values(due))); err != nil {
		return err
	}
	for f := range due {
		s.told[f] = now
	}
	return nil
}

// arrange reads the silences and makes, renews and ends ours.
func (s *station) arrange(ctx context.Context, p posting, w wanted, now time.Time, claim func(alertmanager.Silence) bool) error {
	listed, err := s.client.Silences(ctx)
	if err != nil {
		return err
	}
	s.silences, s.heard = listed, now
	set, end := p.arrange(listed, w.quiet, now)
	for _, one := range set {
		if one.ID == "" && !claim(one) {
			continue
		}
		if _, err := s.client.Silence(ctx, one); err != nil {
			return err
		}
	}
	for _, one := range end {
		if err := s.client.Expire(ctx, one.ID); err != nil {
			return err
		}
	}
	return nil
}

// end posts as over what fires there and should not.
func (s *station) end(ctx context.Context, w wanted, now time.Time) error {
	listed, err := s.client.Alerts(ctx, s.ours)
	if err != nil {
		return err
	}
	there := map[alerts.Fingerprint]bool{}
	var ending []alertmanager.Alert
	for _, k := range listed {
		f := k.Fingerprint()
		there[f] = true
		if _, fires := w.alerts[f]; fires || !w.whole {
			continue
		}
		at := now
		if s.ended[f] && k.UpdatedAt.Before(at) {
			at = k.UpdatedAt // our clock is ahead of its: an end in its future does not end an alert
		}
		s.ended[f] = true
		ending = append(ending, over(k.Alert, at))
	}
	maps.DeleteFunc(s.ended, func(f alerts.Fingerprint, _ bool) bool { return !there[f] })
	maps.DeleteFunc(s.told, func(f alerts.Fingerprint, _ time.Time) bool { return !there[f] }) // it was started anew
	return s.client.Post(ctx, ending)
}

// hearMuted reads the alerts that our silences mute: nobody is told of them.
func (s *station) hearMuted(ctx context.Context, w wanted) error {
	s.muted = nil
	for _, q := range w.quiet {
		if !q.source {
			continue
		}
		selector, err := alertmanager.Selector(q.matchers)
		if err != nil {
			return err
		}
		known, err := s.client.Alerts(ctx, selector)
		if err != nil {
			return err
		}
		s.muted = append(s.muted, known...)
	}
	return nil
}

// say remembers whether it can be reached, and logs when that changes.
func (s *station) say(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && s.err == nil:
		s.log.Warn("an Alertmanager is not told", slog.Any("err", err))
	case err == nil && s.err != nil:
		s.log.Info("an Alertmanager is told again", slog.String("url", s.client.Name()))
	}
	s.err = err
}

// trouble is why it can't be reached; nil if it can.
func (s *station) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// has reports whether it was told of an alert not long ago.
func (s *station) has(f alerts.Fingerprint, now time.Time) bool {
	at, told := s.told[f]
	return told && now.Sub(at) < toldLasts
}
