#[test]
fn adds() {
    assert_eq!(calc::add(1, 2), 3);
}

mod deep {
    #[test]
    fn adds() {
        assert_eq!(calc::add(2, 2), 5);
    }
}
