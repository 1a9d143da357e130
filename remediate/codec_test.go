package remediate_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightshift/alerts"
	. "nightshift/remediate"
)

// fill gives each field below v a value of its own, so that one which is not
// written, or is read into another, is seen.
func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	switch special := v.Addr().Interface().(type) {
	case *Target:
		*special = Unit(strings.Repeat("x", *n%7+1) + ".service")
		return
	case *RawJSON:
		*special = RawJSON(`{"a":[1,2]}`)
		return
	case *time.Time:
		*special = noon.Wall.Add(time.Duration(*n) * time.Second)
		return
	case *Risk:
		*special = Reset
		return
	case *Autonomy:
		*special = Approve
		return
	case *Health:
		*special = Unhealthy
		return
	case *alerts.Matchers:
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("word" + strings.Repeat("d", *n%11))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if !unwritten(v.Type(), i) {
				fill(t, v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, n)
		fill(t, value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	default:
		t.Fatalf("cannot fill a %s", v.Type())
	}
}

// unwritten reports whether a field of an inventory is of no matter to a plan, and so
// not in the log.
func unwritten(of reflect.Type, field int) bool {
	inventory := of == reflect.TypeFor[Inventory]() || of == reflect.TypeFor[ManagedUnit]() || of == reflect.TypeFor[ManagedVM]()
	return inventory && of.Field(field).Tag.Get("json") == "-"
}

// recorded is what the log holds of a value: all but matchers and what stands in
// an event's envelope.
var recorded = cmp.Options{cmpopts.IgnoreFields(Playbook{}, "Match"), cmpopts.IgnoreFields(Event{}, "Type", "Incident", "At")}

func TestEverythingRecordedReadsBack(t *testing.T) {
	for _, value := range []any{&Event{}, &Ledger{}, &Incident{}} {
		n := 0
		fill(t, reflect.ValueOf(value).Elem(), &n)
		text, err := EncodeJSON(value)
		if err != nil {
			t.Fatal(err)
		}
		read := reflect.New(reflect.TypeOf(value).Elem()).Interface()
		if err := DecodeJSON(text, read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(value, read, recorded); diff != "" {
			t.Errorf("%T reads otherwise than it was written:\n%s", value, diff)
		}
	}
}

func TestTheTextOfTheLog(t *testing.T) {
	e := Event{Finished: &Finished{Receipt: Receipt{Result: Done, Took: 1500 * time.Millisecond, Facts: map[string]string{"b": "2", "a": "1"}}}}
	want := `{"finished":{"rung":0,"step":0,"receipt":{"result":"done","facts":{"a":"1","b":"2"},"took":"1.5s"}}}`
	if got := written(t, e); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := written(t, Evidence{Text: "\xffbytes of a unit's journal"}); !strings.Contains(got, "\uFFFDbytes") {
		t.Errorf("%s: bytes that are no UTF-8 keep an event from the log", got)
	}
	var later Event
	if err := DecodeJSON([]byte(`{"finished":{"rung":2,"new":{"x":1}},"more":[]}`), &later); err != nil || later.Finished.Rung != 2 {
		t.Errorf("a newer agent's event: %v, %+v", err, later)
	}
	if err := DecodeJSON([]byte(`{"finished":{"receipt":{"took":"soon"}}}`), &later); err == nil {
		t.Error("a duration that is none was read")
	}
}

func FuzzDecodeEvent(f *testing.F) {
	for _, e := range begin(f, threeRungs()).allowed().acts(Done).stays(Healthy).log {
		f.Add([]byte(written(f, e)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var e Event
		if DecodeJSON(text, &e) != nil {
			return
		}
		var again Event
		if err := DecodeJSON([]byte(written(t, e)), &again); err != nil {
			t.Fatal(err)
		}
		var i Incident
		i.Apply(e) // whatever it says, it must not panic
	})
}
