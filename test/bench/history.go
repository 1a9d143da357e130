package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/journal"
)

// historyHost is the host whose history it is: the world's.
const historyHost = "rave-1"

// apart is how far the incidents of a history are from each other: as often as a
// playbook's own bounds let one unit be acted on ([remediate.DefaultAttempts] in
// [remediate.DefaultPer]). A million events are three years.
const apart = remediate.DefaultPer / remediate.DefaultAttempts

// longHistory times starts on a long history: after a kill, when the events since
// the newest snapshot are read, and after an orderly end, when there are none.
func (b *bench) longHistory(ctx context.Context) ([]row, error) {
	if b.history == 0 {
		return nil, nil
	}
	dir, err := b.newDir("long")
	if err != nil {
		return nil, err
	}
	progress("writing %d events", b.history)
	if err := writePast(ctx, dir, b.history); err != nil {
		return nil, err
	}
	what := fmt.Sprintf("%d events", b.history)
	t, resident, err := b.startsWith(ctx, dir, b.rounds)
	if err != nil {
		return nil, err
	}
	rows := []row{
		t.row("start to ready, "+what, "ms", "the same program, `version`").atMost(1000),
		turns{ours: resident}.row("resident, "+what, "MiB", "").atMost(64),
	}
	if err := startOnce(ctx, dir); err != nil { // ends in order
		return nil, err
	}
	t, resident, err = b.startsWith(ctx, dir, b.rounds)
	return append(rows,
		t.row("start to ready, after an orderly end", "ms", "").atMost(1000),
		turns{ours: resident}.row("resident, after an orderly end", "MiB", "").atMost(64)), err
}

// The journal takes a snapshot every leastTail events, or once they are as long as
// the fold, if that is later; mostTail at the most.
const (
	leastTail = 500
	mostTail  = 10_000
)

// writePast leaves in dir a log of count events as a kill would: with the newest
// snapshot nine tenths of the way to the next one back.
func writePast(ctx context.Context, dir string, count int) error {
	life, err := liveOnce(ctx, dir, longAgo(time.Duration(count)*apart))
	if err != nil {
		return err
	}
	lately := time.Now().Add(-lasts(life, mostTail))
	if err := writeHistory(ctx, dir, life, count-leastTail, lately); err != nil {
		return err
	}
	fold, err := takeSnapshot(ctx, dir)
	if err != nil {
		return err
	}
	tail := min(max(leastTail, fold/eventLength), mostTail) * 9 / 10
	progress("a fold of %d KiB, and %d events after it", fold>>10, tail)
	return writeHistory(ctx, dir, life, tail, lately.Add(lasts(life, tail)))
}

// lasts is how long count events go on.
func lasts(life []journal.Recorded, count int) time.Duration {
	return time.Duration(count/len(life)) * apart
}

// eventLength is how long an event of the rig is on average, in bytes.
const eventLength = 1000

// startOnce starts the agent on a history, holds the history to be sound, and
// stops the agent.
func startOnce(ctx context.Context, dir string) error {
	p, err := startAgent(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(undamaged(), p.stop())
}

// undamaged asks the agent whether its log is whole.
func undamaged() error {
	answer, err := http.Get("http://" + agentAddr + "/-/ready")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || strings.Contains(string(body), "journal")) {
		err = fmt.Errorf("the history that was written is not sound: %s", body)
	}
	return err
}

// takeSnapshot opens a history and closes it, which takes a snapshot; it returns
// the fold's length.
func takeSnapshot(ctx context.Context, dir string) (int, error) {
	ledger := remediate.NewLedger()
	j, err := openJournal(ctx, dir, ledger, nil, now)
	if err != nil {
		return 0, err
	}
	ledger.Prune(now())
	fold, err := remediate.EncodeJSON(ledger)
	return len(fold), errors.Join(err, j.Close(ctx))
}

// writeHistory adds events to a log, the last of them at a time: the
// life of one real incident, again and again, under other names and at other times.
// They are written into the log's stream by a server that does not sync, so that it
// takes seconds, and each holds what the agent checks: its number, and the hash of
// the one before.
func writeHistory(ctx context.Context, dir string, life []journal.Recorded, count int, until time.Time) error {
	s, err := openStream(ctx, dir, life[0].Epoch)
	if err != nil {
		return err
	}
	err = s.fill(ctx, stencilsOf(life), count, until.Add(-lasts(life, count)))
	return errors.Join(err, s.close())
}

// liveOnce has the rig handle one incident and returns its events.
func liveOnce(ctx context.Context, dir string, clock func() remediate.Instant) (life []journal.Recorded, err error) {
	const unit = "ns-bench-life.service"
	if err := errors.Join(sleeper(unit), systemctl("start", unit)); err != nil {
		return nil, err
	}
	seen := newCourses()
	r, err := newRig(ctx, dir, []string{unit}, seen, false, clock)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	run := int(time.Now().UnixMilli())
	seen.sent(strconv.Itoa(run), unit, time.Now())
	alert := firing(benchAlert, unit, run)
	if err := sendOnce(alert); err != nil {
		return nil, err
	}
	if err := seen.await(ctx, string(remediate.IncidentEnded), 1); err != nil {
		return nil, err
	}
	resolved := strings.Replace(alert, `"status":"firing"`, `"status":"resolved"`, 1)
	resolved = strings.Replace(resolved, `"endsAt":"0001-01-01T00:00:00Z"`, `"endsAt":"2026-03-01T12:30:00Z"`, 1)
	if err := sendOnce(resolved); err != nil {
		return nil, err
	}
	if err := seen.await(ctx, string(remediate.IncidentJoined), 1); err != nil {
		return nil, err
	}
	return life, r.journal.Events(ctx, journal.Filter{Incident: seen.only()}, func(r journal.Recorded) error {
		life = append(life, r)
		return nil
	})
}

func sendOnce(alert string) error {
	s, err := dial(rigAddr)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	status, err := s.post(webhookRequest(notification(alert)))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the webhook was answered %d", status)
	}
	return err
}

// placed is what of an event says where it stands.
type placed struct {
	Data struct {
		N uint64 `json:"n"`
	} `json:"data"`
}

func placeOf(stored []byte) (uint64, error) {
	var p placed
	err := json.Unmarshal(stored, &p)
	return p.Data.N, err
}
