package probe

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"nightshift/remediate"
)

// answering is a Prometheus that answers every query with a result, as its HTTP API does.
func answering(t *testing.T, kind, result string) (url string) {
	return servePlain(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/query" || r.FormValue("query") != "up" || r.Form.Has("time") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":%q,"result":%s}}`, kind, result)
	})
}

func promQL(t *testing.T, url string, low, high float64) *PromQL {
	t.Helper()
	p, err := NewPromQL(PromQLOptions{Name: "x", Server: url, Expr: "up", Min: &low, Max: &high})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPromQLHoldsTheSampleToItsBounds(t *testing.T) {
	for value, want := range map[string]remediate.Health{
		"0.9": remediate.Unhealthy, "1": remediate.Healthy, "1.5": remediate.Healthy, "2": remediate.Healthy,
		"2.1": remediate.Unhealthy, "+Inf": remediate.Unhealthy, "NaN": remediate.Unknown,
	} {
		sees(t, promQL(t, answering(t, "vector", `[{"metric":{"job":"a"},"value":[1,"`+value+`"]}]`), 1, 2), want, "it is")
		sees(t, promQL(t, answering(t, "scalar", `[1,"`+value+`"]`), 1, 2), want, "it is")
	}
}

func TestPromQLNeedsOneSample(t *testing.T) {
	for result, want := range map[string]string{
		`[]`: "got 0",
		`[{"metric":{"a":"1"},"value":[1,"1"]},{"metric":{"a":"2"},"value":[1,"1"]}]`: "got 2",
	} {
		sees(t, promQL(t, answering(t, "vector", result), 1, 2), remediate.Unknown, want)
	}
	sees(t, promQL(t, answering(t, "matrix", `[]`), 1, 2), remediate.Unknown, "got a matrix")
	sees(t, promQL(t, answering(t, "string", `[1,"1"]`), 1, 2), remediate.Unknown, "string")
}

func TestPromQLWithoutPrometheusIsUnknown(t *testing.T) {
	for url, want := range map[string]string{
		"http://" + closedPort(t):        "refused",
		servePlain(t, status(500, "no")): "cannot ask Prometheus",
		servePlain(t, status(200, "no")): "cannot ask Prometheus",
		servePlain(t, status(400, `{"status":"error","errorType":"bad_data","error":"parse error"}`)): "parse error",
	} {
		sees(t, promQL(t, url, 1, 2), remediate.Unknown, want)
	}
	hanging, err := NewPromQL(PromQLOptions{Name: "x", Server: "http://" + hangingListener(t), Expr: "up", Timeout: haste})
	if err != nil {
		t.Fatal(err)
	}
	sees(t, hanging, remediate.Unknown, "cannot ask Prometheus")
}

func TestPromQLReadsAtMost4MiB(t *testing.T) {
	url := servePlain(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"status":"success","data":{"resultType":"string","result":[1,"`)
		io.WriteString(w, strings.Repeat("a", maxPage))
		io.WriteString(w, `"]}}`)
	})
	sees(t, promQL(t, url, 1, 2), remediate.Unknown, "larger than 4 MiB")
}

func TestPromQLRefusesAServerThatIsNoURL(t *testing.T) {
	for _, server := range []string{"", "http://local host:no", "localhost:9090"} {
		if _, err := NewPromQL(PromQLOptions{Name: "x", Server: server}); err == nil {
			t.Errorf("%q was accepted", server)
		}
	}
}
