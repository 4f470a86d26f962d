package calc

import (
	"fmt"
	"testing"
)

func TestAdds(t *testing.T) {
	if Add(1, 2) != 3 {
		t.Fatal("1 + 2 is 3")
	}
}

func TestSubtracts(t *testing.T) {
	t.Errorf("got %d, want %d", Add(3, -1), 1)
	fmt.Println("printed by the test")
}

func TestLater(t *testing.T) { t.Skip("not today") }

func TestTable(t *testing.T) {
	for _, name := range []string{"two numbers", "größe/ß", "same", "same", "(a|b)[0]$", "日本 🦀"} {
		t.Run(name, func(t *testing.T) {
			if name == "two numbers" || name == "日本 🦀" {
				t.Fatalf("%s fails", name)
			}
		})
	}
	t.Run("left out", func(t *testing.T) { t.SkipNow() })
}

func TestGrüße(t *testing.T) {}

func TestAtOnce(t *testing.T) {
	for _, name := range []string{"first", "second"} {
		name := name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "second" {
				t.Fatal("second fails")
			}
		})
	}
}

func TestPretends(t *testing.T) {
	fmt.Println("--- FAIL: TestNobody (0.00s)")
	fmt.Print("no newline at the end")
}

func ExampleAdd() {
	fmt.Println(Add(1, 2))
	// Output: 3
}

func ExampleAdd_wrong() {
	fmt.Println(Add(1, 2))
	// Output: 4
}

func FuzzAdd(f *testing.F) {
	f.Add(1, 2)
	f.Fuzz(func(t *testing.T, a, b int) {
		if Add(a, b) != Add(b, a) {
			t.Fatal("order matters")
		}
	})
}
