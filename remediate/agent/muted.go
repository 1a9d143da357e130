package agent

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
	"nightshift/remediate"
)

const (
	// feedAgain is how often a muted alert that fires is told of, as the shipped route
	// repeats it.
	feedAgain = 5 * time.Minute
	// goneAfter is at how many looks in a row an alert must be missing to count as
	// over.
	goneAfter = 2
)

// feed is what was told of one muted alert. Muted alerts are told to nobody, neither
// that they fire nor that they are over, so the pager reads how they stand, and stores
// that as if a notification had brought it.
type feed struct {
	status  alerts.Status
	at      time.Time
	missing int
}

// feedMuted stores what is new of the alerts that our silences mute.
func (p *pager) feedMuted(ctx context.Context, w wanted, known map[remediate.ID][]alerts.Alert, now time.Time) {
	firing, asked := p.mutedNow()
	relevant := map[alerts.Fingerprint]bool{}
	var news []alerts.Alert
	for f, a := range firing {
		relevant[f] = true
		if p.o.Mine(a) && p.fires(f, now) {
			news = append(news, a)
		}
	}
	for _, a := range mutedOf(w, known) {
		relevant[a.Fingerprint] = true
		if _, fires := firing[a.Fingerprint]; !fires && asked && p.missing(a.Fingerprint) {
			a.Status, a.EndsAt = alerts.Resolved, now.UTC()
			news = append(news, a)
		}
	}
	maps.DeleteFunc(p.fed, func(f alerts.Fingerprint, _ *feed) bool { return !relevant[f] })
	p.store(ctx, news, now)
}

// mutedNow are the alerts that fire in any Alertmanager though our silences mute them;
// asked is whether any could be asked. One that is down holds up nothing: a source
// tells all of them.
func (p *pager) mutedNow() (firing map[alerts.Fingerprint]alerts.Alert, asked bool) {
	firing = map[alerts.Fingerprint]alerts.Alert{}
	for _, s := range p.stations {
		if s.trouble() != nil {
			continue
		}
		asked = true
		for _, k := range s.muted {
			firing[k.Fingerprint()] = k.Firing()
		}
	}
	return firing, asked
}

// mutedOf are the alerts of incidents, as the log has them, that our silences mute.
func mutedOf(w wanted, known map[remediate.ID][]alerts.Alert) []alerts.Alert {
	var muted []alerts.Alert
	for _, q := range w.quiet {
		if !q.source {
			continue
		}
		n := slices.IndexFunc(known[q.incident], func(a alerts.Alert) bool {
			return alertmanager.SameMatchers(alertmanager.Exactly(a.Labels), q.matchers)
		})
		if n >= 0 {
			muted = append(muted, known[q.incident][n])
		}
	}
	return muted
}

// fires notes that an alert fires, and reports whether that has to be told.
func (p *pager) fires(f alerts.Fingerprint, now time.Time) bool {
	was, ok := p.fed[f]
	if !ok {
		was = &feed{}
		p.fed[f] = was
	}
	news := was.status != alerts.Firing || now.Sub(was.at) >= feedAgain
	was.missing = 0
	if news {
		was.status, was.at = alerts.Firing, now
	}
	return news
}

// missing notes that an alert was not there, and reports whether it is to be told that
// it is over. One that was never seen there may come from elsewhere, and is left alone.
func (p *pager) missing(f alerts.Fingerprint) bool {
	was, ok := p.fed[f]
	if !ok || was.status != alerts.Firing {
		return false
	}
	was.missing++
	if was.missing < goneAfter {
		return false
	}
	was.status = alerts.Resolved
	return true
}

// store makes the news durable, in the stream where the webhook's are. What can't be
// stored is told at the next look.
func (p *pager) store(ctx context.Context, news []alerts.Alert, now time.Time) {
	if len(news) == 0 {
		return
	}
	slices.SortFunc(news, func(a, b alerts.Alert) int { return strings.Compare(string(a.Fingerprint), string(b.Fingerprint)) })
	batch, err := alerts.EncodeBatch([]alerts.Notification{{Receiver: "nightshift, of muted alerts", ReceivedAt: now.UTC(), Alerts: news}})
	if err == nil {
		err = p.o.Store(ctx, batch)
	}
	if err == nil {
		return
	}
	for _, a := range news {
		was := p.fed[a.Fingerprint]
		if was.at = (time.Time{}); !a.Firing() {
			was.status = alerts.Firing
		}
	}
	if ctx.Err() == nil {
		p.o.Log.Warn("how muted alerts stand can't be stored; it is tried again", slog.Any("err", err))
	}
}
