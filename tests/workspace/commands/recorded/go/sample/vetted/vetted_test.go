package vetted

import (
	"fmt"
	"testing"
)

func TestPrints(t *testing.T) { fmt.Printf("%d\n", "text") }
