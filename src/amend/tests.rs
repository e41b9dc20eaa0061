mod promotion;
