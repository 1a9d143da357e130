package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func post(d *dispatch, method, token string) int {
	request := httptest.NewRequest(method, "/webhook", nil)
	request.Header.Set("X-Gitlab-Token", token)
	answer := httptest.NewRecorder()
	d.accept(answer, request)
	return answer.Code
}

func TestARefusedWebhookIsNoError(t *testing.T) {
	d := newDispatch([]byte("secret"), prometheus.NewRegistry())
	for token, method := range map[string]string{"": http.MethodPost, "wrong": http.MethodPost, "secret": http.MethodGet} {
		if code := post(d, method, token); code != http.StatusUnauthorized && code != http.StatusMethodNotAllowed {
			t.Errorf("%s with token %q is answered %d", method, token, code)
		}
	}
	if n := testutil.ToFloat64(d.errors); n != 0 {
		t.Errorf("%v errors, want none", n)
	}
}

func TestAWedgedDispatcherRefusesAsBeforeAndCountsWhatItLoses(t *testing.T) {
	d := newDispatch([]byte("secret"), prometheus.NewRegistry())
	close(d.wedged)
	d.work(context.Background()) // returns: nobody empties the queue
	if code := post(d, http.MethodPost, "secret"); code != http.StatusOK {
		t.Errorf("the queue has a place, and answers %d", code)
	}
	for want := 1.0; want <= 3; want++ {
		if code := post(d, http.MethodPost, "secret"); code != http.StatusInternalServerError {
			t.Errorf("a full queue answers %d, want 500", code)
		}
		if n := testutil.ToFloat64(d.errors); n != want {
			t.Errorf("%v errors, want %v", n, want)
		}
	}
	if code := post(d, http.MethodPost, "wrong"); code != http.StatusUnauthorized {
		t.Errorf("a wedged dispatcher answers a stranger %d, want 401", code)
	}
}
