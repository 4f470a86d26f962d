fn main() {
    println!("{}", calc::add(1, 2));
}
