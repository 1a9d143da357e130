package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
	"nightshift/remediate"
	"nightshift/test/ring"
)

// handling is what a pager is told of incidents in a test, and what it said of them.
type handling struct {
	mu        sync.Mutex
	incidents map[remediate.ID]remediate.Incident
	known     map[remediate.ID][]alerts.Alert
	said      []remediate.Said
	recorded  []remediate.Event
	refuses   error
}

func (h *handling) Incidents(context.Context) ([]remediate.Incident, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []remediate.Incident
	for _, i := range h.incidents {
		all = append(all, i.Clone())
	}
	return all, nil
}

func (h *handling) Alerts(context.Context) (map[remediate.ID][]alerts.Alert, error) {
	return h.known, nil
}

func (h *handling) Say(_ context.Context, _ string, said remediate.Said) (remediate.Incident, error) {
	h.said = append(h.said, said)
	return remediate.Incident{}, h.refuses
}

func (h *handling) Record(_ context.Context, event remediate.Event) error {
	h.recorded = append(h.recorded, event)
	return nil
}

// bench is a pager with real Alertmanagers, whose looks the test makes itself.
type bench struct {
	*handling
	t      *testing.T
	pager  *pager
	ahead  time.Duration // of the Alertmanagers' clock
	stored []alerts.Alert
	fails  prometheus.Counter
	whole  bool
}

// pagerOn makes a pager for Alertmanagers at these addresses.
func pagerOn(t *testing.T, h *handling, addresses ...string) *bench {
	t.Helper()
	b := &bench{handling: h, t: t, whole: true, fails: prometheus.NewCounter(prometheus.CounterOpts{Name: "fails"})}
	var clients []*alertmanager.Client
	for _, address := range addresses {
		c, err := alertmanager.New(address, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		clients = append(clients, c)
	}
	b.pager = newPager(pagerOptions{
		Posting: func() posting { return paging }, Engine: h, Clients: clients, PageFails: b.fails, Now: b.now,
		Mine: func(a alerts.Alert) bool { return a.Labels["host"] == "web-1" }, Whole: func() bool { return b.whole },
		Store: b.store, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	return b
}

func (b *bench) now() remediate.Instant {
	return remediate.Instant{Wall: time.Now().UTC().Add(b.ahead)}
}

func (b *bench) store(_ context.Context, batch []byte) error {
	notifications, err := alerts.DecodeBatch(batch)
	for _, n := range notifications {
		b.stored = append(b.stored, n.Alerts...)
	}
	return err
}

// look makes some looks.
func (b *bench) look(times int) {
	for range times {
		b.pager.look(b.t.Context())
	}
}

// has puts an incident in the place of what there was of it.
func (b *bench) has(i remediate.Incident) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.incidents = map[remediate.ID]remediate.Incident{i.ID: i}
	if i.Alert.Labels != nil {
		i.Alert.Fingerprint = alerts.FingerprintOf(i.Alert.Labels)
		b.known = map[remediate.ID][]alerts.Alert{i.ID: {i.Alert}}
	}
}

// called is an incident that was handed over just now and told up to a level.
func called(level int) remediate.Incident {
	i := handed(level, level+1)
	i.Page.Since = remediate.Instant{Wall: time.Now().UTC().Add(-time.Minute)}
	return i
}

// acked is one that somebody has for an hour.
func acked(mute bool) remediate.Incident {
	i, now := called(0), remediate.Instant{Wall: time.Now().UTC()}
	i.Acknowledged = &remediate.Acknowledged{By: "alice", Mute: mute, At: now, Until: now.Add(time.Hour)}
	return i
}

// gone is one that is over.
func gone() remediate.Incident {
	i := called(0)
	i.State, i.Page = remediate.Cleared, nil
	return i
}

// escalation are the labels of a level's alert.
func escalation(level string) map[string]string {
	return map[string]string{"alertname": "NightshiftEscalation", "incident": "ABCDEFGH", "level": level}
}

func TestAnEscalationClimbsInAlertmanagerAndEnds(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, am.URL)
	b.has(called(0))
	b.look(1)
	am.Await("the first level to be called", func() bool { return len(am.Calls("firing", escalation("0"))) == 1 })
	if held := am.Holds(escalation("0")); time.Until(held[0].EndsAt) < 23*time.Hour {
		t.Errorf("it ends at %s, want a day from now: an agent that died must not read as over", held[0].EndsAt)
	}

	b.has(called(1))
	b.look(1)
	am.Await("the second level to be called", func() bool { return len(am.Calls("firing", escalation("1"))) == 1 })
	if len(am.Holds(escalation("0"))) != 1 {
		t.Error("the first level does not fire any more")
	}

	again := called(1)
	again.Page.Times = 3
	b.has(again)
	b.look(1)
	am.Await("the level to be called again", func() bool { return len(am.Calls("firing", escalation("1"))) >= 2 })

	b.has(gone())
	b.look(1)
	if held := am.Holds(map[string]string{"incident": "ABCDEFGH"}); len(held) > 0 {
		t.Errorf("after its end there is %v", held)
	}
	am.Await("the end to be told", func() bool {
		return len(am.Calls("resolved", escalation("0"))) == 1 && len(am.Calls("resolved", escalation("1"))) == 2
	})
}

func TestWhoAcknowledgesIsCalledNoMoreAndHearsOfTheEnd(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, am.URL)
	b.has(called(0))
	b.look(1)
	am.Await("the call", func() bool { return len(am.Calls("firing", escalation("0"))) == 1 })

	b.has(acked(false))
	b.look(2)
	mutes := am.Mutes("nightshift")
	if len(mutes) != 1 || !strings.Contains(mutes[0].Comment, "ABCDEFGH: acknowledged by alice") {
		t.Fatalf("silences %+v, want one that says by whom", mutes)
	}
	if held := am.Holds(escalation("0")); len(held) != 1 || held[0].Status.State != "suppressed" {
		t.Errorf("alerts %+v, want the one, silenced", held)
	}

	b.has(gone())
	b.look(1)
	if mutes := am.Mutes("nightshift"); len(mutes) > 0 {
		t.Errorf("after the end there are the silences %+v", mutes)
	}
	am.Await("the end to be told", func() bool { return len(am.Calls("resolved", escalation("0"))) == 1 })
}

func TestAPersonsSilenceAcknowledgesOnce(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, am.URL)
	b.has(called(0))
	b.look(1)
	id := am.Silence("  bob\nthe builder ", "on it", escalation("0"))
	am.Silence("eve", "all of them", map[string]string{"alertname": "NightshiftEscalation"})
	b.look(3)
	if len(b.said) != 1 {
		t.Fatalf("it was said %+v, want one acknowledgement", b.said)
	}
	want := remediate.Said{Verb: remediate.PersonAcks, By: "bob the builder", Comment: "on it", Claimed: true, Silence: id}
	if diff := cmp.Diff(want, b.said[0]); diff != "" {
		t.Error(diff)
	}

	second := pagerOn(t, &handling{}, am.URL) // after a start, the log knows
	known := called(0)
	known.Silences = []string{id}
	second.has(known)
	second.look(1)
	if len(second.said) > 0 {
		t.Errorf("after a start it was said again: %+v", second.said)
	}
}

func TestAnAcknowledgementThatCouldNotBeRecordedIsTriedAgain(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{refuses: errors.New("the disk is full")}, am.URL)
	b.has(called(0))
	am.Silence("bob", "on it", escalation("0"))
	b.look(2)
	b.refuses = nil
	b.look(2)
	if len(b.said) != 3 {
		t.Errorf("it was said %d times, want until it was taken: 3", len(b.said))
	}
}

func TestPeoplesSilencesAreKnownToTheGates(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, am.URL)
	source := called(0).Alert
	if covering := b.pager.covering(source, time.Now()); len(covering) > 0 {
		t.Errorf("before the first look it is covered by %+v", covering)
	}
	am.Silence("bob", "new disks", map[string]string{"host": "web-1"})
	am.Silence("bob", "another", map[string]string{"host": "web-2"})
	b.has(acked(true))
	b.look(2)
	var by []string
	for _, s := range b.pager.covering(source, time.Now()) {
		by = append(by, s.By)
		if s.Ours != (s.By == "nightshift") {
			t.Errorf("ours: %t for %+v", s.Ours, s)
		}
	}
	if slices.Sort(by); !slices.Equal(by, []string{"bob", "nightshift"}) {
		t.Errorf("it is covered by silences of %v, want bob's and ours", by)
	}
}

func TestAMutedAlertIsReadFromAlertmanager(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, am.URL)
	i := acked(true)
	am.Fire(i.Alert.Labels)
	b.has(i)
	b.look(2)
	if held := am.Holds(i.Alert.Labels); len(held) != 1 || held[0].Status.State != "suppressed" {
		t.Fatalf("alerts %+v, want the source, silenced", held)
	}
	if len(b.stored) != 1 || !b.stored[0].Firing() || b.stored[0].Fingerprint != alerts.FingerprintOf(i.Alert.Labels) {
		t.Fatalf("stored %+v, want that it fires, once", b.stored)
	}
	for _, m := range am.Mutes("nightshift") {
		if left := time.Until(m.EndsAt); strings.Contains(m.Comment, "muted") && left > 15*time.Minute {
			t.Errorf("the source is silenced for %s, want at most 15 minutes", left)
		}
	}

	am.Resolve(i.Alert.Labels)
	b.look(1)
	if len(b.stored) != 1 {
		t.Errorf("stored %+v, want nothing yet: it may be an Alertmanager that was started anew", b.stored[1:])
	}
	b.look(2)
	if len(b.stored) != 2 || b.stored[1].Firing() {
		t.Fatalf("stored %+v, want that it is over, once", b.stored)
	}
	am.Fire(i.Alert.Labels)
	b.look(1)
	if len(b.stored) != 3 || !b.stored[2].Firing() {
		t.Errorf("stored %+v, want that it fires again", b.stored)
	}
	b.has(gone())
	b.look(1)
	if mutes := am.Mutes("nightshift"); len(mutes) > 0 {
		t.Errorf("after the end it is still silenced: %+v", mutes)
	}
}

func TestAnAlertThatAlertmanagerNeverHadIsNotTakenForOver(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, am.URL)
	b.has(acked(true))
	b.look(4)
	if len(b.stored) > 0 {
		t.Errorf("stored %+v, want nothing: it came from elsewhere", b.stored)
	}
}

func TestAStartOfEitherSideLosesNothing(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, am.URL)
	b.has(called(0))
	b.look(1)

	am.Stop()
	am.Run() // it remembers no alert
	b.look(2)
	if len(am.Holds(escalation("0"))) != 1 {
		t.Error("an Alertmanager that was started anew does not have the escalation")
	}

	second := pagerOn(t, &handling{}, am.URL)
	second.whole = false
	second.look(1)
	if len(am.Holds(escalation("0"))) != 1 {
		t.Error("an agent whose log is damaged took an incident for over that it does not know")
	}
	second.whole = true
	second.look(1)
	if len(am.Holds(escalation("0"))) != 0 {
		t.Error("what was over while the agent was down still fires")
	}
}

func TestAClockThatIsAheadEndsAlertsAllTheSame(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, am.URL)
	b.ahead = time.Hour
	b.has(called(0))
	b.look(1)
	b.has(gone())
	b.look(2)
	if held := am.Holds(escalation("0")); len(held) > 0 {
		t.Errorf("after its end there is %+v", held)
	}
}

func TestOneOfTwoIsEnough(t *testing.T) {
	am := ring.Start(t)
	b := pagerOn(t, &handling{}, "http://127.0.0.1:1", am.URL)
	b.has(called(0))
	b.look(1)
	if len(am.Holds(escalation("0"))) != 1 {
		t.Error("the one that can be reached does not have the escalation")
	}
	b.ahead += lookEvery + time.Second
	b.look(1)
	if n := testutil.ToFloat64(b.fails); n != 0 || len(b.recorded) > 0 {
		t.Errorf("%v failures, %+v, want none", n, b.recorded)
	}
	lacks := map[string]string{}
	if b.pager.lacks(lacks); !strings.Contains(lacks["alertmanager"], "not all Alertmanagers") || !strings.Contains(lacks["alertmanager"], "127.0.0.1:1") {
		t.Errorf("lacks %v, want it to name the one that can't be reached", lacks)
	}
}

func TestAPageThatNobodyTakesIsSaidOnce(t *testing.T) {
	b := pagerOn(t, &handling{}, "http://127.0.0.1:1", "http://127.0.0.1:2")
	b.look(1)
	lacks := map[string]string{}
	if b.pager.lacks(lacks); !strings.Contains(lacks["alertmanager"], "nobody is called by Alertmanager") {
		t.Errorf("lacks %v, want it to say so also while there is nothing to tell", lacks)
	}
	if len(b.recorded) > 0 {
		t.Errorf("recorded %+v, want nothing: nobody had to be called", b.recorded)
	}
	b.has(called(0))
	for range 4 {
		b.look(1)
		b.ahead += lookEvery + time.Second
	}
	if n := testutil.ToFloat64(b.fails); n != 4 {
		t.Errorf("%v failures, want each look counted: 4", n)
	}
	if len(b.recorded) != 1 || b.recorded[0].Type != remediate.HostPageFailed || !slices.Equal(b.recorded[0].PageFailed.Incidents, []remediate.ID{"ABCDEFGH"}) {
		t.Fatalf("recorded %+v, want once that ABCDEFGH reached nobody", b.recorded)
	}
	if why := b.recorded[0].PageFailed.Why; !strings.Contains(why, "127.0.0.1:1") {
		t.Errorf("why: %q, want it to name what can't be reached", why)
	}
	i := acked(false)
	b.has(i)
	b.look(1)
	if n := testutil.ToFloat64(b.fails); n != 4 {
		t.Errorf("%v failures, want no more once somebody has it", n)
	}
}

func TestTwoAlertmanagersAreNotSilencedTwiceAtOnce(t *testing.T) {
	one, two := ring.Start(t), ring.Start(t)
	b := pagerOn(t, &handling{}, one.URL, two.URL)
	b.has(acked(false))
	b.look(1)
	if n := len(one.Mutes("nightshift")) + len(two.Mutes("nightshift")); n != 1 {
		t.Errorf("%d silences after one look, want one: peers tell each other", n)
	}
	b.look(1)
	if len(one.Mutes("nightshift")) != 1 || len(two.Mutes("nightshift")) != 1 {
		t.Error("of two that are no peers, each must have the silence in the end")
	}
}

func TestAnAlertmanagerThatHangsHoldsUpNeitherTheAgentNorItsEnd(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/nothing")
	am := ring.Start(t)
	s := settings(t)
	s.AlertmanagerURL = []string{am.URL}
	am.Hang()
	defer am.Resume()
	a := start(t, s)
	post(t, a, firing("rave_webhook_errors"))
	am.Await("/-/ready to say it", func() bool {
		return strings.Contains(a.degraded(t.Context())["alertmanager"], "no answer within")
	})
}

func TestAWrongAlertmanagerIsAnErrorOfTheConfiguration(t *testing.T) {
	s := settings(t)
	s.AlertmanagerURL = []string{"localhost:9093", "http://me:secret@localhost:9093"}
	_, err := New(s, "v0.0.0", slog.New(slog.DiscardHandler))
	if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "NIGHTSHIFT_ALERTMANAGER_URL") || strings.Contains(err.Error(), "secret") {
		t.Errorf("New() = %v, want an error of the configuration that names the setting and no password", err)
	}
}
