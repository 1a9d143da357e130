package qmp

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/digitalocean/go-qemu/qemu"
	"github.com/digitalocean/go-qemu/qmp/raw"

	"nightshift/remediate/qemu/qmp/qmptest"
)

func TestADomainOfGoQEMUWorksOverIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "disk")
	image(t, file, "")
	q := qmptest.Start(t, "-device", "VGA", "-drive", "id=d,if=none,format=qcow2,file="+file)
	domain, err := qemu.NewDomain(client(t, q.Socket), "rave")
	if err != nil {
		t.Fatal(err)
	}
	defer domain.Close()
	if status, err := domain.Status(); err != nil || status != qemu.StatusPreLaunch {
		t.Errorf("got status %v, %v", status, err)
	}
	if device, err := domain.BlockDevice("d"); err != nil || device.Inserted.File != file {
		t.Errorf("got device %+v, %v", device, err)
	}
	if jobs, err := domain.BlockJobs(); err != nil || len(jobs) != 0 {
		t.Errorf("got jobs %v, %v", jobs, err)
	}
	if version, err := domain.Version(); err != nil || version == "" {
		t.Errorf("got version %q, %v", version, err)
	}
	if _, err := domain.Commands(); !errors.Is(err, ErrNotListed) {
		t.Errorf("query-commands is not listed, and got %v", err)
	}
	picture(t, domain)
	hearsReset(t, domain)
}

func picture(t *testing.T, domain *qemu.Domain) {
	t.Helper()
	screen, err := domain.ScreenDump()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	if ppm, err := io.ReadAll(screen); err != nil || !bytes.HasPrefix(ppm, []byte("P6")) {
		t.Errorf("got picture %.10q, %v", ppm, err)
	}
}

func hearsReset(t *testing.T, domain *qemu.Domain) {
	t.Helper()
	events, done, err := domain.Events()
	if err != nil {
		t.Fatal(err)
	}
	defer close(done)
	if err := domain.SystemReset(); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-events:
		if e.Event != "RESET" || e.Timestamp.Seconds == 0 {
			t.Errorf("got event %+v", e)
		}
	case <-time.After(long):
		t.Error("no event")
	}
}

func TestTheDomainOfAQEMUThatIsGoneIsNotTakenForOneThatShutDown(t *testing.T) {
	q := qmptest.Start(t)
	domain, err := qemu.NewDomain(client(t, q.Socket), "rave")
	if err != nil {
		t.Fatal(err)
	}
	defer domain.Close()
	q.Kill()
	status, err := domain.Status()
	wants(t, err, ErrGone)
	if status == qemu.StatusShutdown {
		t.Error("it counts as shut down")
	}
}

func TestRawCommandsOfGoQEMUWorkOverIt(t *testing.T) {
	monitor := raw.NewMonitor(client(t, qmptest.Start(t).Socket))
	if err := monitor.Cont(); err != nil {
		t.Fatal(err)
	}
	if status, err := monitor.QueryStatus(); err != nil || !status.Running || status.Status != raw.RunStateRunning {
		t.Errorf("got %+v, %v", status, err)
	}
	var refused *Error
	if err := monitor.BlockdevDel("nobody"); !errors.As(err, &refused) {
		t.Errorf("got %v, want QEMU's refusal", err)
	}
}

func TestRunGivesTheIDBackThatItGot(t *testing.T) {
	c := client(t, qmptest.Start(t).Socket)
	for line, want := range map[string]string{
		`{"execute":"cont"}`:        `{"return":{}}`,
		`{"execute":"cont","id":7}`: `{"return":{},"id":7}`,
		`{"execute":"query-block-jobs","id":{"a":[1]},"arguments":{}}`: `{"return":[],"id":{"a":[1]}}`,
	} {
		if got, err := c.Run([]byte(line)); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", line, got, err, want)
		}
	}
}
