package org.sample.app;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public class MainTest {
    @Test
    public void three() {
        assertEquals(3, Main.three());
    }
}
