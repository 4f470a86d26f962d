package org.sample.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class MainTest {
    @Test
    void three() {
        assertEquals(3, Main.three());
    }
}
