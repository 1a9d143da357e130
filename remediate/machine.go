package remediate

import "time"

// Machine is how a virtual machine stands when a plan is made for it.
type Machine struct {
	// Alive is whether its QEMU runs and answers; Paused whether the guest stands
	// still and `cont` would let it go on.
	Alive  bool `json:"alive"`
	Paused bool `json:"paused,omitzero"`
	// State is QEMU's own word for its run state, or says why there is none.
	State string `json:"state"`
	// Images are what a swap could put in place now; Lacks says why one of
	// them is not to be had, in a sentence.
	Images map[Source]Image  `json:"images,omitzero"`
	Lacks  map[Source]string `json:"lacks,omitzero"`
}

// Source says which image a step is about, before it has a name.
type Source string

// The sources: a closed list.
const (
	LastKnownGood Source = "last-known-good" // the newest checkpoint that proved healthy and was promoted
	BeforeSwap    Source = "before"          // what runs now, and a swap of the same plan puts aside
	SetAside      Source = "set-aside"       // what the last swap put aside
	WasAsked      Source = "asked"           // what the person named who asked for it
	ToBeMade      Source = "new"             // a checkpoint that is not there yet, by the name that the person gave it
)

// Sources lists them, for the loader and the docs.
var Sources = []Source{LastKnownGood, BeforeSwap, SetAside, WasAsked, ToBeMade}

// Image is a state of a VM's disks, as a plan names it.
type Image struct {
	// Name is a checkpoint's, or the base name of an image that is deployed.
	Name string `json:"name"`
	// Digest is the SHA-256 in hex of what was recorded of it: no other image of
	// that name is meant.
	Digest string `json:"digest,omitzero"`
	// File is its path, as the inventory's directories and its own name make it.
	File string `json:"file,omitzero"`
	// Grade is how far it is proved, Taken when it was made.
	Grade Grade     `json:"grade,omitzero"`
	Taken time.Time `json:"taken,omitzero"`
	// From is what each disk that goes back is on now, Keep the disks that stay
	// as they are.
	From map[string]string `json:"from,omitzero"`
	Keep []string          `json:"keep,omitzero"`
}

// Grade is how far a checkpoint is proved.
type Grade string

// The grades, from least to most.
const (
	Unproved   Grade = ""
	WasHealthy Grade = "healthy"     // its VM had been healthy for [HealthyFor] when it was taken
	BootProved Grade = "boot-proved" // it booted once on a throw-away overlay, and was healthy
)

// HealthyFor is how long a VM must have been healthy for its checkpoint to be
// graded so: as long as an episode goes on, within which trouble is the same.
const HealthyFor = EpisodeLasts

// Asked is what a person asked for, where no alert did.
type Asked struct {
	// By is the user, Comment their words.
	By      string `json:"by"`
	Comment string `json:"comment,omitzero"`
	// Checkpoint names one: to be made, promoted, proved or gone back to.
	Checkpoint string `json:"checkpoint,omitzero"`
	// Image is the path of an image file to deploy; it must lie below a directory
	// that the inventory names.
	Image string `json:"image,omitzero"`
	// Proof is the signature that it came with.
	Proof *Proof `json:"proof,omitzero"`
}
