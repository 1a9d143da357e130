package alerts_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightshift/alerts"
)

// sameWhenEmpty: the stored form does not tell a missing list from an empty one.
var sameWhenEmpty = cmpopts.EquateEmpty()

// bounded is a notification as it comes back from the store.
func bounded(n alerts.Notification) alerts.Notification {
	n.Receiver, n.GroupKey = atMost(n.Receiver), atMost(n.GroupKey)
	kept := make([]alerts.Alert, len(n.Alerts))
	for i, a := range n.Alerts {
		kept[i] = a.Bounded()
	}
	n.Alerts = kept
	return n
}

func atMost(s string) string {
	if len(s) <= alerts.MaxValue {
		return s
	}
	return strings.ToValidUTF8(s[:alerts.MaxValue], "")
}

func TestABatchComesBackAsItWas(t *testing.T) {
	m := message(3)
	m.TruncatedAlerts = 2
	m.Alerts[2].Labels["odd"] = "\x00\"\\\n</script>é\u2028"
	in := []alerts.Notification{decode(t, body(t, m)), decode(t, []byte(`{"version":"4"}`))}
	message, err := alerts.EncodeBatch(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := alerts.DecodeBatch(message)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out, sameWhenEmpty); diff != "" {
		t.Errorf("it came back different (-want +got):\n%s", diff)
	}
}

// What was stored by any version of the program must be read by all later ones:
// this file is never changed; a new schema adds one.
func TestSchema1IsRead(t *testing.T) {
	message, err := os.ReadFile("testdata/batch-schema1.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := alerts.DecodeBatch(message)
	if err != nil {
		t.Fatal(err)
	}
	want := []alerts.Notification{{
		Receiver: "nightshift", GroupKey: `{}:{alertname="UnitFailed"}`, Truncated: 2,
		ReceivedAt: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC),
		Alerts: []alerts.Alert{{
			Status:       alerts.Resolved,
			Labels:       map[string]string{"alertname": "UnitFailed", "name": "nginx.service"},
			Annotations:  map[string]string{"summary": "nginx.service failed"},
			StartsAt:     time.Date(2026, 3, 1, 11, 58, 0, 0, time.UTC),
			EndsAt:       time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
			GeneratorURL: "http://prometheus.example:9090/graph?g0.tab=1",
			Fingerprint:  "8c21f54fc6ba3a42",
			Truncated:    true,
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DecodeBatch() differs (-want +got):\n%s", diff)
	}
	again, err := alerts.EncodeBatch(got)
	if err != nil || !bytes.Equal(again, bytes.TrimSpace(message)) {
		t.Errorf("EncodeBatch() = %s, %v\nwant the file's bytes", again, err)
	}
}

func TestDecodeBatchRefuses(t *testing.T) {
	alert := func(fields string) string {
		return `{"schema":1,"notifications":[{"receivedAt":"2026-03-01T12:00:00Z","alerts":[{` + fields + `}]}]}`
	}
	for name, tc := range map[string]struct{ message, want string }{
		"nothing":            {``, "cannot decode stored alerts: it is not one valid JSON value"},
		"no schema":          {`{}`, "cannot decode stored alerts: schema 0, this program reads 1"},
		"a later schema":     {`{"schema":2}`, "schema 2, this program reads 1"},
		"no time of receipt": {`{"schema":1,"notifications":[{}]}`, `notifications[0]: "receivedAt" is missing`},
		"no fingerprint":     {alert(`"status":"firing","labels":{"a":"b"}`), `alerts[0]: "fingerprint" is not 16 hex digits`},
		"no status":          {alert(`"labels":{"a":"b"},"fingerprint":"0123456789abcdef"`), `alerts[0]: "status" is ""`},
		"a word for a bool":  {alert(`"truncated":"yes"`), `"/notifications/0/alerts/0/truncated" has the wrong type or form`},
		"a name twice":       {`{"schema":1,"schema":1}`, `"/schema" is there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := alerts.DecodeBatch([]byte(tc.message))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("DecodeBatch() error = %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestEncodeBatchNamesWhatCannotBeStored(t *testing.T) {
	good := decode(t, body(t, message(1)))
	bad := good
	bad.Receiver = "\xff"
	late := good
	late.ReceivedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for want, n := range map[string]alerts.Notification{
		`cannot encode notification 1: "\xff" is not valid UTF-8`:          bad,
		`cannot encode notification 1: the year 10000 is not of 1 to 9999`: late,
	} {
		if _, err := alerts.EncodeBatch([]alerts.Notification{good, n}); err == nil || err.Error() != want {
			t.Errorf("EncodeBatch() error = %v, want %s", err, want)
		}
	}
}

func TestBatchForetellsItsSize(t *testing.T) {
	encoded, err := alerts.AppendNotification(nil, decode(t, body(t, message(2))))
	if err != nil {
		t.Fatal(err)
	}
	var b alerts.Batch
	for want := 1; want <= 3; want++ {
		var size int
		for range want {
			size = b.SizeWith(len(encoded))
			b.Add(encoded)
		}
		if b.Len() != want {
			t.Errorf("Len() = %d, want %d", b.Len(), want)
		}
		message := b.Message()
		if len(message) != size {
			t.Errorf("the message of %d has %d bytes, SizeWith foretold %d", want, len(message), size)
		}
		if got, err := alerts.DecodeBatch(message); err != nil || len(got) != want {
			t.Errorf("DecodeBatch() of a reused Batch = %d notifications, %v, want %d", len(got), err, want)
		}
	}
	if b.Message() != nil {
		t.Error("an empty batch has a message")
	}
}

func TestWhatIsStoredIsBounded(t *testing.T) {
	long := strings.Repeat("é", alerts.MaxValue)
	a := labelled(t, 65)
	a.Labels["alertname"] = "Down"
	a.Labels["l000"] = long
	a.Labels[strings.Repeat("n", alerts.MaxName+1)] = "v"
	a.Annotations = map[string]string{"description": "x" + long}
	a.GeneratorURL = long

	got := a.Bounded()
	if !got.Truncated || len(got.Labels) != alerts.MaxLabels || got.Name() != "Down" {
		t.Errorf("truncated %t, %d labels, alertname %q, want true, %d, Down",
			got.Truncated, len(got.Labels), got.Name(), alerts.MaxLabels)
	}
	if got.Fingerprint != a.Fingerprint {
		t.Error("the fingerprint changed with what was cut off")
	}
	for what, s := range map[string]string{
		"label": got.Labels["l000"], "annotation": got.Annotations["description"], "URL": got.GeneratorURL,
	} {
		if len(s) > alerts.MaxValue || len(s) < alerts.MaxValue-1 || strings.ToValidUTF8(s, "?") != s {
			t.Errorf("the %s has %d bytes, want %d cut between two characters", what, len(s), alerts.MaxValue)
		}
	}
}

func TestLongAnnotationsDoNotTruncateAnAlert(t *testing.T) {
	m := message(1)
	m.Alerts[0].Annotations["description"] = strings.Repeat("x", alerts.MaxValue+1)
	a := decode(t, body(t, m)).Alerts[0].Bounded()
	if a.Truncated || len(a.Annotations["description"]) != alerts.MaxValue {
		t.Errorf("truncated %t with %d bytes, want false with %d", a.Truncated, len(a.Annotations["description"]), alerts.MaxValue)
	}
}

func FuzzDecodeBatch(f *testing.F) {
	seed, err := os.ReadFile("testdata/batch-schema1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"schema":1,"notifications":[]}`))
	f.Add([]byte(`{"schema":2,"notifications":null}`))
	f.Add([]byte(`{"schema":1,"notifications":[{"receivedAt":"2026-03-01T12:00:00Z","truncated":99999999999,"alerts":null}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		first, err := alerts.DecodeBatch(in)
		if err != nil || len(first) == 0 {
			return
		}
		message, err := alerts.EncodeBatch(first)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		second, err := alerts.DecodeBatch(message)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		for i := range first {
			first[i] = bounded(first[i])
		}
		if diff := cmp.Diff(first, second, sameWhenEmpty); diff != "" {
			t.Fatalf("written and read, it differs (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	n := decode(b, body(b, message(64)))
	var encoded []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if encoded, err = alerts.AppendNotification(encoded[:0], n); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(encoded)))
}
