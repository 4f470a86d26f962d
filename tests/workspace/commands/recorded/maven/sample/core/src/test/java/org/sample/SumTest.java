package org.sample;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SumTest {
    @Test
    void adds() {
        assertEquals(3, Sum.add(1, 2));
    }

    @Test
    void addsMore() {
        assertEquals(4, Sum.add(1, 2), "1 + 2 <is> not 4 & \"so on\"");
    }

    @Test
    void breaks() {
        throw new IllegalStateException("broken\n  in two lines");
    }

    @Test
    @Disabled("not today")
    void later() {}

    @Test
    void assumes() {
        assumeTrue(false, "no network");
    }

    @Test
    @DisplayName("shows another name: größer 日本")
    void shown() {}

    @Test
    void größer() {}

    @ParameterizedTest
    @ValueSource(strings = {"a b", "c", "ü"})
    void takes(String text) {
        assertEquals(3, text.length());
    }

    @RepeatedTest(2)
    void repeats() {}

    @TestFactory
    Stream<DynamicTest> dynamic() {
        return List.of("one", "two").stream().map(name -> DynamicTest.dynamicTest(name, () -> {}));
    }

    @Nested
    class Inside {
        @Test
        void deep() {
            assertEquals(1, 2);
        }
    }
}
