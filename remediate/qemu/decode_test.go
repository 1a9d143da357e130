package qemu

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// image makes a qcow2 image by QEMU's own hands, and returns its bytes.
func makeImage(t testing.TB, args ...string) (path string, text []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "image.qcow2")
	out, err := exec.Command("qemu-img", append(append([]string{"create", "-q", "-u", "-f", "qcow2"}, args...), path, "5M")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, text
}

func TestAHeaderIsReadAsQEMUWroteIt(t *testing.T) {
	for _, compat := range []string{"0.10", "1.1"} {
		_, text := makeImage(t, "-o", "compat="+compat, "-b", "/below.qcow2", "-F", "qcow2")
		got, err := readHeader(bytes.NewReader(text))
		if want := (header{Backing: "/below.qcow2", Format: "qcow2", Size: 5 << 20}); err != nil || got != want {
			t.Errorf("compat %s: %+v, %v; want %+v", compat, got, err, want)
		}
	}
	_, text := makeImage(t)
	binary.BigEndian.PutUint64(text[72:], incompatibleCorrupt)
	if got, err := readHeader(bytes.NewReader(text)); err != nil || !got.Corrupt {
		t.Errorf("an image marked as corrupt: %+v, %v", got, err)
	}
}

func FuzzReadHeader(f *testing.F) {
	_, text := makeImage(f, "-b", "/below.qcow2", "-F", "qcow2")
	f.Add(text[:1024])
	f.Add([]byte(qcow2Magic))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := readHeader(bytes.NewReader(text))
		if err == nil && (len(h.Backing) > backingNameLimit || string(text[:4]) != qcow2Magic) {
			t.Errorf("%+v of %q", h, text)
		}
	})
}

func FuzzDescribe(f *testing.F) {
	f.Add([]byte("P6\n2 2\n255\n\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, picture []byte) {
		text, err := describe(bytes.NewReader(picture))
		if err == nil && len(text) > 3<<10 {
			t.Errorf("%d bytes", len(text))
		}
	})
}

func TestAPictureIsDrawn(t *testing.T) {
	var picture bytes.Buffer
	picture.WriteString("P6\n80 25\n255\n")
	for y := range 25 {
		for x := range 80 {
			bright := byte(0)
			if y == 1 && x < 3 {
				bright = 255
			}
			picture.Write([]byte{bright, bright, bright})
		}
	}
	text, err := describe(&picture)
	if err != nil || !strings.HasPrefix(text, "80 by 25 pixels, 0.1 % lit, sha256 ") || !strings.HasSuffix(text, "\n\n###") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestPercentsAreReadHoweverTheyAreCut(t *testing.T) {
	whole := "    (0.00/100%)\r    (12.50/100%)\r    (100.00/100%)\r\n"
	for size := 1; size < len(whole); size++ {
		var got []float64
		p := &percents{tell: func(n float64) { got = append(got, n) }}
		for piece := range slices.Chunk([]byte(whole), size) {
			if _, err := p.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, []float64{0, 12.5, 100}) {
			t.Errorf("in pieces of %d: %v", size, got)
		}
	}
}

func TestQemuImgEndsWithItsContext(t *testing.T) {
	path, _ := makeImage(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := (img{}).check(ctx, path); err == nil {
		t.Error("it was checked")
	}
}

func TestACheckTellsLeaksFromDamage(t *testing.T) {
	path, text := makeImage(t)
	if err := (img{}).check(context.Background(), path); err != nil {
		t.Errorf("a clean one: %v", err)
	}
	// An L1 entry that points into nowhere.
	l1 := binary.BigEndian.Uint64(text[40:])
	binary.BigEndian.PutUint64(text[l1:], 1<<63|1<<40)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	err := img{}.check(context.Background(), path)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged one: %v", err)
	}
}

func TestNames(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 45, 0, 0, time.UTC)
	name := newOverlay("system-2", now)
	o, ok := parseOverlay(name)
	if !ok || o.disk != "system-2" || o.String() != name {
		t.Errorf("%s is %+v", name, o)
	}
	o.aside = "20261123T154500Z"
	if got, _ := parseOverlay(o.String()); got != o {
		t.Errorf("%s is %+v", o, got)
	}
	for _, no := range []string{"system.qcow2", "../" + name, name + ".tmp", "system-01J.qcow2", "/x/" + name} {
		if _, ok := parseOverlay(no); ok {
			t.Errorf("%q is an overlay", no)
		}
	}
}

func TestPlainFile(t *testing.T) {
	for in, want := range map[string]string{
		"/live/system": "/live/system",
		`json:{"backing": {"driver": "qcow2"}, "driver": "qcow2", "file": {"driver": "file", "filename": "/live/b.qcow2"}}`: "/live/b.qcow2",
		"json:nonsense": "",
	} {
		if got := plainFile(in); got != want {
			t.Errorf("%s is %q", in, got)
		}
	}
}

func TestOnlyAPeerThatIsThereHoldsASocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	server, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	if served(socket) {
		t.Error("a connection that nobody accepted holds it")
	}
	accepted, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if !served(socket) {
		t.Error("an accepted connection does not hold it")
	}
	client.Close()
	if served(socket) {
		t.Error("a client that is gone holds it")
	}
}
